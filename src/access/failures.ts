// The failures of access as code.
import { failuresOf } from '../base/index.ts';

export const accessFailure = failuresOf({
  'definition-missing': { status: 400, when: 'no definition file is in the folder, or the named one cannot be read' },
  'definition-ambiguous': { status: 400, when: 'the folder holds more than one definition file and none was chosen' },
  'definition-invalid': {
    status: 400,
    when: 'the definition breaks its schema or refers to something it does not declare',
  },
  'definition-unreadable': {
    status: 400,
    when: 'the definition is not YAML, JSON or a TypeScript module that can be run',
  },
  'variable-undeclared': { status: 400, when: 'a value was given for a variable that the definition does not declare' },
  'variable-missing': { status: 400, when: 'a declared variable without default was given no value' },
  'variable-file-invalid': { status: 400, when: 'a file of variables cannot be read as a map of names to texts' },
  'account-unknown': { status: 400, when: 'an account was named that the definition does not hold' },
  'account-unreadable': { status: 502, when: 'AWS refused a read in an account, so nothing can be planned there' },
  'output-unknown': { status: 404, when: 'an output was named that the definition does not declare' },
  'findings-block': { status: 409, when: 'the plan has error findings, which block its apply' },
  'wrong-organization': {
    status: 409,
    when: 'the credentials belong to another organisation than the definition names',
  },
  'wrong-account': { status: 409, when: 'the credentials belong to another account than was expected' },
  'confirmation-needed': { status: 409, when: 'a change needs a yes and there is no terminal to ask on' },
  'not-confirmed': { status: 409, when: 'the person asked did not say yes' },
  'plan-moved': { status: 409, when: 'AWS changed between the plan and its apply' },
  'plan-file-invalid': { status: 400, when: 'a file is not a plan, or was written by a newer Stint' },
  'apply-failed': { status: 502, when: 'a call of an apply was refused; that account stopped, the others went on' },
  interrupted: { status: 499, when: 'a signal stopped an apply between two calls' },
  'lease-held': { status: 409, when: 'another run is applying to an account, or was killed while it did' },
  'lease-lost': { status: 409, when: 'another run has taken the lease on an account with `--break-lease`' },
  'journal-unreadable': { status: 400, when: 'the journal of a run is damaged, or was written by a newer Stint' },
  'run-unknown': { status: 404, when: 'a run was named, or the last one asked for, that has no journal here' },
  'run-active': { status: 409, when: 'a run was to be undone that has not ended' },
  'journal-unwritable': { status: 500, when: 'the journal of a run cannot be written, so nothing was called' },
  'passwords-unwritable': { status: 400, when: 'the file for first passwords exists already or cannot be made' },
  'read-back-differs': { status: 502, when: 'after an apply AWS still shows something else than was written' },
});
