#!/usr/bin/env bash
# The one step of action.yml: installs Stint where the action lies, starts the embedded AWS, and leaves to the later
# steps of the job what leads AWS clients to it, and the command `stint`.
set -euo pipefail
action=$STINT_ACTION_PATH
temporary=${RUNNER_TEMP:-/tmp}/stint

if [ ! -e "$action/dist/cli/main.js" ]; then
  (cd "$action" && npm ci --no-audit --no-fund)
fi

mkdir -p "$temporary/bin"
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$action/node_modules/.bin/node" "$action/dist/cli/main.js" >"$temporary/bin/stint"
chmod +x "$temporary/bin/stint"
echo "$temporary/bin" >>"$GITHUB_PATH"
# Every later `stint cloud` verb finds the file by itself.
export STINT_HOME="$temporary/home"
echo "STINT_HOME=$STINT_HOME" >>"$GITHUB_ENV"

options=(--port "$STINT_PORT" --enforce "$STINT_ENFORCE" --region "$STINT_REGION")
[ -z "$STINT_ORG" ] || options+=(--org "$STINT_ORG")
"$temporary/bin/stint" cloud start --detach "${options[@]}"

# The endpoint is in the file; the keys of an account are for the log to hide, and for the later steps to use.
credentials=$STINT_HOME/cloud/credentials.json
echo "credentials-file=$credentials" >>"$GITHUB_OUTPUT"
echo "endpoint=$(sed -n 's/^  "endpoint": "\(.*\)",$/\1/p' "$credentials")" >>"$GITHUB_OUTPUT"
[ -n "$STINT_ACCOUNT" ] || exit 0
eval "$("$temporary/bin/stint" cloud env "$STINT_ACCOUNT")"
echo "::add-mask::$AWS_SECRET_ACCESS_KEY"
for name in AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION; do
  echo "$name=${!name}" >>"$GITHUB_ENV"
done
