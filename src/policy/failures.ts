// The failure codes of the policy room.
import { failuresOf } from '../base/index.ts';

export const policyFailure = failuresOf({
  'malformed-policy': {
    status: 400,
    when: 'a policy document breaks the grammar of its kind; `detail` holds every problem with its place',
  },
  'principal-unknown': { status: 404, when: 'a question names a principal that is not among the accounts asked' },
  'principal-ambiguous': { status: 400, when: 'a question names a principal by a name that several have' },
});
