// The codes of failures that belong to the command line itself; each room has its own.
import { failuresOf } from '../base/index.ts';

export const cliFailure = failuresOf({
  'unknown-command': { status: 400, when: 'there is no command of that name' },
  usage: { status: 400, when: 'an option or argument is unknown, missing or too much; the exit code is 2' },
  'output-unwritable': { status: 500, when: 'standard output cannot be written, for example to a full disk' },
  'invalid-option': { status: 400, when: 'an option or its value is not what the command takes' },
  'missing-target': { status: 400, when: 'a command needs a target and none was given' },
  'missing-command': { status: 400, when: 'a command to run was not given after `--`' },
  'session-needed': { status: 400, when: '`stint metadata` was given a target whose keys cannot become a session' },
  'target-changed': { status: 409, when: 'while `stint metadata` ran, its target was changed to mean another role' },
  'unknown-shell': { status: 400, when: 'the shell function was asked for a shell that Stint does not know' },
  'dev-required': { status: 400, when: '`stint server` was started without `--dev`' },
  'address-invalid': { status: 400, when: 'the address of a server is no URL' },
  'server-unreachable': { status: 502, when: 'no server answers at the address' },
  'server-refused': { status: 502, when: 'the server refused a call; its words are the message' },
  'config-invalid': {
    status: 400,
    when: 'the configuration file of the server has mistakes; each is told with its place',
  },
  'config-newer': { status: 400, when: 'the configuration file of the server was written for a newer Stint' },
  'token-unwritable': { status: 500, when: '`stint login` cannot keep the token in `~/.vault-token`' },
  'lease-elsewhere': { status: 409, when: 'a lease is to be given back to another server than the one named now' },
  'token-missing': { status: 401, when: 'a command that needs a token was given none' },
  'value-invalid': { status: 400, when: 'a value to write is not of the form `k=v`' },
  'file-unwritable': { status: 500, when: 'a file named on the command line cannot be written' },
  'file-unreadable': { status: 400, when: 'a file named on the command line cannot be read' },
  'field-missing': { status: 404, when: 'an answer has no field of the name that `--field` asks for' },
  'not-found': { status: 404, when: 'the server holds nothing at a path' },
});
