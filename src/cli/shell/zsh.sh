# Completion of zsh. Names of targets come from the index that Stint left; verbs and options from `_stint_words`.

_stint_targets() {
  local stint_dir= stint_file= stint_key=names stint_line=
  local -a stint_found
  if [[ -e stint.config.ts || -e stint.config.yaml || -e stint.config.yml || -e stint.config.json ]]; then
    stint_key=names.$PWD
  fi
  if _stint_find "$stint_key" && _stint_holds "$stint_key" 1ts 1tus <"$stint_file" && zmodload -F zsh/mapfile p:mapfile; then
    stint_found=("${(@f)mapfile[$stint_file]}")
    stint_found=("${(@)stint_found[${stint_found[(i)ready]} + 1,${stint_found[(I)end]} - 1]}")
  else
    stint_found=("${(@f)$(command @STINT@ ls --names 2>/dev/null)}")
  fi
  compadd -a stint_found
}

_stint() {
  emulate -L zsh
  local stint_verb= stint_next= stint_kind= stint_list= stint_valued= stint_index=2
  _stint_words ''
  while (( stint_index < CURRENT )); do
    stint_next=${(Q)words[stint_index]}
    if [[ -n $stint_verb ]]; then stint_next="$stint_verb $stint_next"; fi
    _stint_words "$stint_next" || break
    stint_verb=$stint_next
    (( stint_index++ ))
  done
  while (( stint_index < CURRENT )); do
    # What comes after `--` is a command of its own.
    if [[ $words[stint_index] == -- ]]; then
      shift $stint_index words
      (( CURRENT -= stint_index ))
      _normal
      return
    fi
    (( stint_index++ ))
  done
  if [[ $stint_valued == *" $words[CURRENT-1] "* ]]; then
    _default
  elif [[ $stint_kind == target && $words[CURRENT] != -* ]]; then
    _stint_targets
  else
    compadd -- ${=stint_list} || _default
  fi
}
if (( ${+functions[compdef]} )); then compdef _stint stint; fi
