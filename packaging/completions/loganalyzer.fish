# fish completion for loganalyzer

set -l commands report replay check
complete -c loganalyzer -n "not __fish_seen_subcommand_from $commands" -f
complete -c loganalyzer -n "not __fish_seen_subcommand_from $commands" -a report -d 'Report on complete logs'
complete -c loganalyzer -n "not __fish_seen_subcommand_from $commands" -a replay -d 'Which alerts would complete logs have raised'
complete -c loganalyzer -n "not __fish_seen_subcommand_from $commands" -a check -d 'Check configuration and log'
complete -c loganalyzer -s c -l config -r -F -d 'The configuration'
complete -c loganalyzer -l format -x -a 'text json html csv' -d 'How a report or replay is written'
complete -c loganalyzer -l from -x -d 'Only from this moment on'
complete -c loganalyzer -l to -x -d 'Only before this moment'
complete -c loganalyzer -l user -x -d 'With report: only this account'
complete -c loganalyzer -l database -x -d 'With report: only this database'
complete -c loganalyzer -l propose -d 'With replay: the least thresholds without an alert'
complete -c loganalyzer -l send-test-mail -d 'With check: send a mail'
complete -c loganalyzer -s V -l verbose -d 'Also print every stats line and login'
complete -c loganalyzer -s v -l version -d 'Print the version'
complete -c loganalyzer -s h -l help -d 'Print the usage'
