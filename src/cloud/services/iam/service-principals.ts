// Service principals that may stand in a policy: IAM saves none that it does not know.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
import { serviceLabels } from '../../generated/service-labels.ts';

/** Services by names that no managed policy of AWS has; from the pages of these services. */
const others = `airflow-env cognito-sync contributorinsights continuousexport datapipeline delivery diode docdb
  edgelambda eks-connector eks-fargate-pods eks-nodegroup elastictranscoder ground-station importexport iotanalytics
  kinesisvideo lookoutequipment lookoutmetrics lookoutvision machinelearning migration mobileanalytics monitron
  neptune nimble osis-pipelines payment-cryptography pinpoint private-networks proton qldb refactor-spaces
  replicator resiliencehub robomaker rum s3-outposts sagemaker-geospatial simspaceweaver sms-voice snow
  social-messaging supplychain thinclient timestream vmie vpc-flow-logs vpce wickr worklink workmail`;

const known: ReadonlySet<string> = new Set([...serviceLabels, ...others.split(/\s+/)]);

const principal = /^([a-z0-9.-]+)\.amazonaws\.com(?:\.cn)?$/;
const region = /\.[a-z]{2}(?:-[a-z]+)+-\d$/;

/** Is this the principal of a service, as `ecs-tasks.amazonaws.com`, also of a part (`delivery.logs`) or a Region of it? */
export function isServicePrincipal(value: string): boolean {
  const labels = principal.exec(value)?.[1]?.replace(region, '').split('.') ?? [];
  return known.has(labels[0]!) || known.has(labels.at(-1)!);
}
