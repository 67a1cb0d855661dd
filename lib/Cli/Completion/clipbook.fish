# Completion of clipbook for fish. Candidates come from clipbook itself; where it has none, fish completes file names.
function __clipbook_candidates
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l line (string join ' ' -- $words[2..-1] "$word")
    set -l candidates ($words[1] "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null | string match -- "$word*")
    string match -q -- '-*' "$word"; or set candidates (string match -v -- '-*' $candidates)
    if set -q candidates[1]
        printf '%s\n' $candidates
    else
        __fish_complete_path "$word"
    end
end
complete -c clipbook -f -a '(__clipbook_candidates)'
