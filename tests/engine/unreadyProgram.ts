import * as pulumi from "@pulumi/pulumi";

import program = require("../../index");

/** The program on a cluster whose operator never brings the credential: it waits for what never comes, and only for a moment. */
export = async () => {
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (type !== "kubernetes:external-secrets.io/v1:ExternalSecret") return undefined;
    const awaited = props.metadata.annotations["pulumi.com/waitFor"];
    props.metadata.annotations["pulumi.com/waitFor"] = `${awaited}=False`;
    return { props, opts: { ...opts, customTimeouts: { create: "1s" } } };
  });
  return program();
};
