# Completion of clipbook for bash. Candidates come from clipbook itself; where it has none, bash completes file names.
_clipbook() {
  local word="${COMP_WORDS[COMP_CWORD]}" line="${COMP_LINE:0:COMP_POINT}" candidates IFS=$'\n'
  line="${line#* }"
  candidates="$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)"
  [[ $word == -* ]] || candidates="$(grep -v '^-' <<< "$candidates")"
  COMPREPLY=($(compgen -W "$candidates" -- "$word"))
}
complete -o default -F _clipbook clipbook
