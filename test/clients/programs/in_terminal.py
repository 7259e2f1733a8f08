"""Runs a command in a pseudo-terminal and prints what it wrote, as JSON.

in_terminal.py COLUMNS ROWS DRAWN DO COMMAND...: once the table was drawn over itself DRAWN times, DO happens:
`nothing`, `interrupt` (as Ctrl-C is typed), or `narrow` (the terminal becomes 40 columns wide).
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios

columns, rows, drawn, what = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]


def resize(terminal, width):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, width, 0, 0))


def written(terminal):
    """What stands there to be read, without waiting for more."""
    os.set_blocking(terminal, False)
    text = b""
    try:
        while piece := os.read(terminal, 65536):
            text += piece
    except OSError:
        pass
    os.set_blocking(terminal, True)
    return text


child, terminal = pty.fork()
if child == 0:
    # The size is there before anybody asks for it.
    resize(0, columns)
    os.execvp(sys.argv[5], sys.argv[5:])

text = b""
after = None
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    text += piece
    if after is None and text.count(b"\x1b[J") >= drawn:
        after = len(text)
        if what == "interrupt":
            os.write(terminal, b"\x03")
        elif what == "narrow":
            resize(terminal, 40)
            # However late it is read: what was drawn until now has the size of before.
            text += written(terminal)
            after = len(text)

_, status = os.waitpid(child, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "text": text.decode(), "after": after}))
