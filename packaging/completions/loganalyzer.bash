# bash completion for loganalyzer

_loganalyzer() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in report | replay | check) command=$word ;; esac
    done
    case $previous in
        -c | --config)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --format)
            mapfile -t COMPREPLY < <(compgen -W 'text json html csv' -- "$current")
            return
            ;;
    esac
    case $previous in --from | --to | --user | --database) return ;; esac
    local words='-c --config -V --verbose -v --version -h --help'
    case $command in
        report) words+=' --format --from --to --user --database' ;;
        replay) words+=' --format --from --to --propose' ;;
        check) words+=' --send-test-mail' ;;
        *) words+=' --format --from --to --user --database --propose --send-test-mail report replay check' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if [[ $command == report || $command == replay ]] && [[ $current != -* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -F _loganalyzer loganalyzer
