# `stint-credentials TARGET`: answers from a ready entry without starting a program, and starts Node for the rest.
_stint_answer() {
  local stint_dir= stint_file= stint_line=
  _stint_find "t.$1" || return 1
  {
    _stint_holds "$1" && IFS= read -r stint_line || return 1
    case $stint_line in json=*) printf '%s\n' "${stint_line#json=}" || return 1 ;; *) return 1 ;; esac
  } <"$stint_file"
}

if [ $# -eq 1 ]; then
  case $1 in
    '' | -*) ;;
    *) _stint_answer "$1" 2>/dev/null && exit 0 ;;
  esac
fi

case $0 in */*) self=$0 ;; *) self=./$0 ;; esac
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
  esac
done
exec node "${self%/*}/stint-credentials.cjs" "$@"
