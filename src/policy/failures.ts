// The failure codes of the policy room.
import { failuresOf } from '../base/index.ts';

export const policyFailure = failuresOf({
  'malformed-policy': {
    status: 400,
    when: 'a policy document breaks the grammar of its kind; `detail` holds every problem with its place',
  },
});
