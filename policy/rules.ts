import type { Rule } from "./plan";
import { clusterIsNotOpen, nodesKeepTheirRole } from "./rules/cluster";
import {
  credentialHasNoOtherReader,
  credentialIsTheBrokersAlone,
  noSecretInEnvironment,
} from "./rules/credential";
import { noCredentialInOutputs, noCredentialInTheOpen } from "./rules/credentialText";
import {
  everyCallIsEncrypted,
  oneEnvironment,
  productionIsProtected,
  runnerGroupIsClosed,
} from "./rules/environment";
import { credentialComesByReference } from "./rules/externalSecrets";
import { imageByDigest, previewBuildsNothing, repositoryKeepsItsImages } from "./rules/image";
import { jobsShareNothing } from "./rules/isolation";
import { digdagAdmitsSingleAddresses, digdagHasNoOtherWayIn } from "./rules/loadBalancer";
import { networkIsLimited, networkStaysLimited } from "./rules/network";
import { namespaceIsRestricted, permissionsAreNarrow, permissionsStayNarrow } from "./rules/permissions";
import { podIsRestricted } from "./rules/pods";
import { rollOutLosesNoJob } from "./rules/rollOut";
import { noServiceAccountToken } from "./rules/serviceAccount";

/** Every rule of the pack, in the order of docs/security.md. */
export const rules: Rule[] = [
  digdagAdmitsSingleAddresses,
  digdagHasNoOtherWayIn,
  noCredentialInTheOpen,
  noCredentialInOutputs,
  noSecretInEnvironment,
  credentialIsTheBrokersAlone,
  credentialHasNoOtherReader,
  credentialComesByReference,
  jobsShareNothing,
  podIsRestricted,
  namespaceIsRestricted,
  noServiceAccountToken,
  permissionsAreNarrow,
  permissionsStayNarrow,
  networkIsLimited,
  networkStaysLimited,
  oneEnvironment,
  everyCallIsEncrypted,
  productionIsProtected,
  runnerGroupIsClosed,
  imageByDigest,
  repositoryKeepsItsImages,
  previewBuildsNothing,
  rollOutLosesNoJob,
  clusterIsNotOpen,
  nodesKeepTheirRole,
];
