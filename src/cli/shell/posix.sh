# The function `stint` of bash and zsh. It leaves no variable behind, and `set -x` is off while a secret is in sight.

# Reads the rest of an entry from stdin: sets and unsets what it says, after what an earlier session brought along has
# gone. Only variables of AWS and Stint, whatever the entry says. Leaves what a person is told in stint_note.
_stint_take() {
  local stint_line= stint_name= stint_value= stint_rest=
  case ${STINT_ORIGIN-} in *'"exported":{'*) stint_rest=${STINT_ORIGIN#*'"exported":{'} ;; esac
  while _stint_pair; do
    # What somebody has changed since is no longer of that session.
    eval "[ \"\${$stint_name-}\" != \"\$stint_value\" ] || unset $stint_name"
  done
  while IFS= read -r stint_line; do
    stint_rest=${stint_line#*=}
    stint_name=${stint_rest%%=*}
    case $stint_line in note=*) stint_note=$stint_rest; continue ;; esac
    case $stint_name in *[!A-Z0-9_]*) continue ;; AWS_* | STINT_*) ;; *) continue ;; esac
    case $stint_line in
      unset=*) unset "$stint_name" ;;
      set=*) export "$stint_rest" ;;
    esac
  done
}

# Puts the session of target $1 into this shell; fails when only Stint itself can.
_stint_put() {
  local stint_dir= stint_file=
  case $1 in '' | -*) return 1 ;; esac
  _stint_find "t.$1" || return 1
  { _stint_holds "$1" && _stint_take; } <"$stint_file"
}

# Adds target $1 to those used lately, if there is a list of them.
_stint_recent() {
  local stint_dir= stint_file=
  if [ -z "${STINT_NO_RECENT-}" ] && _stint_find recent && [ -w "$stint_file" ]; then
    printf '%s\n' "$1" >>"$stint_file"
  fi
}

# Prints the line of an entry for target $1 that SDKs read.
_stint_print() {
  local stint_dir= stint_file= stint_line=
  case $1 in '' | -*) return 1 ;; esac
  _stint_find "t.$1" || return 1
  {
    _stint_holds "$1" && IFS= read -r stint_line || return 1
    case $stint_line in json=*) printf '%s\n' "${stint_line#json=}" ;; *) return 1 ;; esac
  } <"$stint_file"
}

_stint_run() {
  local stint_lines= stint_note=
  case ${1-} in
    assume)
      if [ $# -eq 2 ] && _stint_put "$2"; then
        printf '%s\n' "$stint_note" >&2
        _stint_recent "$2"
        return 0
      fi
      stint_lines=$(STINT_SHELL=@NAME@ command @STINT@ "$@") || return
      eval "$stint_lines" ;;
    exec)
      if [ $# -ge 4 ] && [ "$3" = -- ] && @FOUND@ -- "$4" >/dev/null; then
        (
          if _stint_put "$2"; then shift 3; else set -- @STINT@ "$@"; fi
          @EXEC@ "$@"
        )
      else
        command @STINT@ "$@"
      fi ;;
    credentials) { [ $# -eq 2 ] && _stint_print "$2"; } || command @STINT@ "$@" ;;
    *) command @STINT@ "$@" ;;
  esac
}

stint() {
  @BEGIN@
  local stint_trace= stint_status=0
  case $- in *x*) stint_trace=1; { set +x; } 2>/dev/null ;; esac
  _stint_run "$@" || stint_status=$?
  if [ -n "$stint_trace" ]; then set -x; fi
  return "$stint_status"
}

# Prints the target that this shell has, and the minutes left: `dev/test_role 42m`; `!` before one of production. With
# `-v NAME` it sets a variable and forks nothing.
stint_prompt() {
  @BEGIN@
  local stint_text= stint_now= stint_end=${AWS_CREDENTIAL_EXPIRATION-} stint_y= stint_m= stint_d=
  if [ -n "${STINT_TARGET-}" ]; then
    stint_text=${STINT_TARGET//[[:cntrl:]]/}
    case $stint_text in *[Pp][Rr][Oo][Dd]*) stint_text=!$stint_text ;; esac
    @SHOWN@
    # Checked before it is calculated with: the shell evaluates what stands in a calculation.
    case $stint_end in
      [0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z)
        @NOW@
        stint_y=${stint_end%%-*} stint_end=${stint_end#*-}
        stint_m=$((10#${stint_end%%-*})) stint_d=${stint_end#*-}
        stint_end=${stint_d#*T} stint_d=$((10#${stint_d%%T*}))
        if [ "$stint_m" -le 2 ]; then stint_y=$((stint_y - 1)) stint_m=$((stint_m + 12)); fi
        stint_d=$((365 * stint_y + stint_y / 4 - stint_y / 100 + stint_y / 400 + (153 * (stint_m - 3) + 2) / 5 + stint_d - 719469))
        stint_m=${stint_end#*:}
        stint_m=$((1440 * stint_d + 60 * 10#${stint_end%%:*} + 10#${stint_m%%:*} - stint_now / 60))
        if [ "$stint_m" -gt 0 ]; then stint_text="$stint_text ${stint_m}m"; else stint_text="$stint_text ended"; fi ;;
    esac
  fi
  if [ "${1-}" = -v ]; then printf -v "$2" %s "$stint_text"; else printf %s "$stint_text"; fi
}
