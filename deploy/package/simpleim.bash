# Completion of `simpleim` for bash.
_simpleim() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local options="--config --listen --admin-listen --data-dir --node-id --threads --log-level --log-format --set"
  COMPREPLY=()
  case "$before" in
    --config | --to) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --data-dir | backup | restore) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$word"); return ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word"); return ;;
    --set) compopt -o nospace; mapfile -t COMPREPLY < <(compgen -S = -W "$(simpleim config | sed -n 's/^\([a-z]*\.[a-z0-9_]*\) .*/\1/p')" -- "$word"); return ;;
  esac
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "serve check backup restore reindex migrate user report config version" -- "$word")
  elif [ "$COMP_CWORD" = 2 ] && [ "$command" = user ]; then
    mapfile -t COMPREPLY < <(compgen -W "add passwd disable enable list" -- "$word")
  elif [ "$COMP_CWORD" = 2 ] && [ "$command" = report ]; then
    mapfile -t COMPREPLY < <(compgen -W "list close" -- "$word")
  elif [ "$command" = migrate ]; then
    mapfile -t COMPREPLY < <(compgen -W "--from --to" -- "$word")
  elif [ "$command" != config ] && [ "$command" != version ]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  fi
}
complete -F _simpleim simpleim
