import { PolicyPack } from "@pulumi/policy";
import { policiesOf } from "./policies";
import { rules } from "./rules";

new PolicyPack("digdag-runner", { enforcementLevel: "mandatory", policies: policiesOf(rules) });
