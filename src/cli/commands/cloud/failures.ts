// Failures of the `stint cloud` verbs.
import { failuresOf } from '../../../base/index.ts';

export const cloudVerbFailure = failuresOf({
  'cloud-not-running': { status: 503, when: 'no embedded AWS answers at the address of the credentials file' },
  'control-answer': { status: 502, when: 'the address of the credentials file answers, but not as an embedded AWS' },
  'invalid-region': { status: 400, when: 'the name of a region is malformed' },
  'organization-unreadable': { status: 400, when: 'the organisation file cannot be read' },
  'missing-argument': { status: 400, when: 'an argument is missing that this use of the verb needs' },
  'instance-not-running': { status: 404, when: 'no running instance has the id' },
  'config-file': { status: 400, when: 'the AWS configuration file cannot be read or written' },
});
