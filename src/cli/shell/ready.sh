# Reads a ready entry with nothing but builtins of dash, bash and zsh: no program is started.
# SECURITY: no text of an entry is ever evaluated. Values are compared, printed, or handed to `export` as one word; names
# are checked letter by letter before they reach `eval` or `unset`. `-O` says whose file it is; that it is private, Stint
# has seen to, which wrote it into a folder that only its owner can enter.

# Sets stint_dir and stint_file for target $1; fails when this person has no entry of that name.
_stint_find() {
  if [ -n "${STINT_HOME-}" ]; then
    stint_dir=$STINT_HOME/sessions
  else
    case ${XDG_CACHE_HOME-} in
      /*) stint_dir=$XDG_CACHE_HOME/stint/sessions ;;
      *) stint_dir=${HOME-}/.cache/stint/sessions ;;
    esac
  fi
  stint_file=$1
  while :; do
    case $stint_file in
      */*) stint_file=${stint_file%%/*}%${stint_file#*/} ;;
      *) break ;;
    esac
  done
  stint_file=$stint_dir/ready/$stint_file
  [ -O "$stint_file" ] && [ ! -L "$stint_file" ] && [ -r "$stint_file" ] || return 1
  [ -O "$stint_dir" ] && [ -O "$stint_dir/ready" ] && [ ! -L "$stint_dir/ready" ] || return 1
  { echo >|"$stint_dir/ready/now"; } 2>/dev/null
}

# Takes the first pair off stint_rest, where an origin has a name and a value of it; fails when there is none.
_stint_pair() {
  case $stint_rest in '"AWS_'*'":"'*'"'*) ;; *) return 1 ;; esac
  stint_name=${stint_rest#'"'}
  stint_name=${stint_name%%'"'*}
  case $stint_name in *[!A-Z0-9_]*) return 1 ;; esac
  stint_rest=${stint_rest#*'":"'}
  stint_value=${stint_rest%%'"'*}
  stint_rest=${stint_rest#*'"'}
  stint_rest=${stint_rest#,}
}

# Reads stdin up to the line `ready`; 0 when all of it holds for target $1. What follows is left to be read. $2 and $3:
# the kinds of lines that must be there, one or the other.
_stint_holds() {
  local stint_line= stint_name= stint_value= stint_rest= stint_seen= stint_stamp= stint_link=
  # What an earlier session changed is looked at as it was before. An origin that is not understood is left to Stint.
  if [ -n "${STINT_ORIGIN-}" ]; then
    case $STINT_ORIGIN in
      *\\*) return 1 ;;
      '{"key":"'"${AWS_ACCESS_KEY_ID:-none}"'","base":"named","exported":{'*'},"before":{'*) ;;
      *) return 1 ;;
    esac
    local AWS_ACCESS_KEY_ID=
    stint_rest=${STINT_ORIGIN#*'"exported":{'}
    while _stint_pair; do
      eval "[ \"\${$stint_name-}\" != \"\$stint_value\" ] || local $stint_name="
    done
    case $stint_rest in '},"before":{'*) stint_rest=${stint_rest#'},"before":{'} ;; *) return 1 ;; esac
    while _stint_pair; do
      eval "[ -n \"\${$stint_name-}\" ] || local $stint_name=\"\$stint_value\""
    done
    case $stint_rest in '}'*) ;; *) return 1 ;; esac
  fi
  while IFS= read -r stint_line; do
    stint_value=${stint_line#*=}
    case $stint_line in
      'stint-ready 1') stint_seen=1 ;;
      target=*) [ "$stint_value" = "$1" ] || return 1; stint_seen=${stint_seen}t ;;
      until=*) [ "$stint_dir/ready/now" -ot "$stint_dir/ready/at.$stint_value" ] || return 1; stint_seen=${stint_seen}u ;;
      stamp=*)
        stint_stamp=$stint_dir/ready/at.$stint_value
        [ -e "$stint_stamp" ] || return 1
        stint_seen=${stint_seen}s ;;
      kept=*)
        [ -e "$stint_dir/$stint_value" ] && [ "$stint_dir/$stint_value" -ot "$stint_dir/ready/now" ] || return 1
        stint_seen=${stint_seen}k ;;
      cwd=*) [ "$stint_value" = "$PWD" ] || return 1 ;;
      env=*)
        stint_name=${stint_value%%=*}
        stint_value=${stint_value#*=}
        case $stint_name in '' | [0-9]* | *[!A-Za-z0-9_]*) return 1 ;; esac
        eval "stint_rest=\${$stint_name-}"
        [ "$stint_rest" = "$stint_value" ] || return 1 ;;
      link=*) stint_link=$stint_value ;;
      real=*) [ "$stint_link" -ef "$stint_value" ] || return 1 ;;
      file=*) [ -e "$stint_value" ] && [ "$stint_value" -ot "$stint_stamp" ] || return 1 ;;
      none=*) [ ! -e "$stint_value" ] || return 1 ;;
      ready) [ "$stint_seen" = "${2-1tusk}" ] || [ "$stint_seen" = "${3-1tusk}" ]; return ;;
      *) return 1 ;;
    esac
  done
  return 1
}
