// The failures of calling AWS.
import { failuresOf } from '../base/index.ts';

export const awsFailure = failuresOf({
  'no-aws-credentials': { status: 401, when: 'the AWS environment holds no credentials that AWS accepts' },
  'aws-unreachable': { status: 502, when: 'nothing answers where the AWS environment says that AWS is' },
  'account-not-entered': {
    status: 403,
    when: 'the caller may assume none of the roles by which another account is entered',
  },
  'invalid-aws-setting': {
    status: 400,
    when: 'an `AWS_*` setting cannot be used, such as a CA bundle that cannot be read',
  },
});
