# Completion of bash. Names of targets come from the index that Stint left; verbs and options from `_stint_words`.

# Adds the lines of stdin that begin with $1 to COMPREPLY, up to the line `end`.
_stint_matching() {
  local stint_line= stint_word= stint_lines=() IFS=$'\n'
  # Of bash 4; the one of macOS reads line by line.
  if ! mapfile -t stint_lines 2>/dev/null; then
    while IFS= read -r stint_line; do stint_lines[${#stint_lines[@]}]=$stint_line; done
  fi
  stint_word=$((${#stint_lines[@]} - 1))
  if [ "$stint_word" -ge 0 ] && [ "${stint_lines[stint_word]}" = end ]; then unset "stint_lines[$stint_word]"; fi
  # `compgen -W` evaluates its words: it gets nothing that could be anything but a word. It takes a fifth of the loop.
  case $1${stint_lines[*]} in
    *[!A-Za-z0-9_./%+=@,$'\n'-]*) ;;
    *)
      COMPREPLY=($(compgen -W "${stint_lines[*]}" -- "$1"))
      return 0 ;;
  esac
  for stint_line in "${stint_lines[@]}"; do
    case $stint_line in
      "$1"*)
        printf -v stint_word %q "${stint_line#"$stint_cut"}"
        COMPREPLY[${#COMPREPLY[@]}]=$stint_word ;;
    esac
  done
  return 0
}

# Adds the names of targets that begin with $1.
_stint_targets() {
  local stint_dir= stint_file= stint_key=names
  if [ -e stint.config.ts ] || [ -e stint.config.yaml ] || [ -e stint.config.yml ] || [ -e stint.config.json ]; then
    stint_key=names.$PWD
  fi
  { _stint_find "$stint_key" && { _stint_holds "$stint_key" 1ts 1tus && _stint_matching "$1"; } <"$stint_file"; } ||
    _stint_matching "$1" < <(command @STINT@ ls --names 2>/dev/null)
}

_stint() {
  local stint_verb= stint_kind= stint_list= stint_valued= stint_cut= stint_index=$COMP_CWORD IFS=$' \t\n'
  local stint_current=${COMP_WORDS[COMP_CWORD]}
  # bash cuts words at `:`; what stands before the last one stays on the line.
  while [ "$stint_index" -gt 2 ] && { [ "${COMP_WORDS[stint_index]}" = : ] || [ "${COMP_WORDS[stint_index - 1]}" = : ]; }; do
    stint_index=$((stint_index - 1))
    stint_current=${COMP_WORDS[stint_index]}$stint_current
  done
  case $stint_current in *:*) stint_cut=${stint_current%:*}: ;; esac
  # As typed: without the quotes.
  case $stint_current in [\'\"]*) stint_current=${stint_current#?} ;; *) stint_current=${stint_current//\\/} ;; esac
  COMPREPLY=()
  local stint_here=$stint_index
  stint_index=1
  _stint_words ''
  while [ "$stint_index" -lt "$stint_here" ] && _stint_words "${stint_verb:+$stint_verb }${COMP_WORDS[stint_index]}"; do
    stint_verb=${stint_verb:+$stint_verb }${COMP_WORDS[stint_index]}
    stint_index=$((stint_index + 1))
  done
  while [ "$stint_index" -lt "$stint_here" ]; do
    # What comes after `--` is a command of its own.
    if [ "${COMP_WORDS[stint_index]}" = -- ]; then
      if [ $((stint_index + 1)) -eq "$stint_here" ]; then COMPREPLY=($(compgen -c -- "$stint_current")); fi
      return
    fi
    stint_index=$((stint_index + 1))
  done
  case $stint_valued in *" ${COMP_WORDS[stint_here - 1]} "*) return ;; esac
  case $stint_kind:$stint_current in
    target:-*) COMPREPLY=($(compgen -W "$stint_list" -- "$stint_current")) ;;
    target:*) _stint_targets "$stint_current" ;;
    *) COMPREPLY=($(compgen -W "$stint_list" -- "$stint_current")) ;;
  esac
}
complete -o bashdefault -o default -F _stint stint
