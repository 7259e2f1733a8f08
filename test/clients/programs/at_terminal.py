"""Runs a command at a terminal of its own and types at it. Arguments: a JSON list of [text, keys] pairs, the command.

The keys of a pair are typed when its text has come. Prints {"output": …, "code": …} as JSON.
"""

import json
import os
import pty
import sys

waiting = [(text.encode(), keys.encode()) for text, keys in json.loads(sys.argv[1])]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
output = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    output += data
    while waiting and waiting[0][0] in output:
        os.write(terminal, waiting.pop(0)[1])
_, status = os.waitpid(child, 0)
print(json.dumps({"output": output.decode(), "code": os.waitstatus_to_exitcode(status)}))
