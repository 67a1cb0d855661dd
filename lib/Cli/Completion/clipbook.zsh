#compdef clipbook
# Completion of clipbook for zsh. Candidates come from clipbook itself; where it has none, zsh completes file names.
_clipbook() {
  local line="${(j: :)words[2,CURRENT-1]} $PREFIX"
  local -a candidates
  candidates=("${(@f)$("$words[1]" "[suggest:${#line}]" "$line" 2>/dev/null)}")
  [[ $PREFIX == -* ]] || candidates=("${(@)candidates:#-*}")
  candidates=("${(@)candidates:#}")
  compadd -a candidates || _files
}
compdef _clipbook clipbook
