import type { Need } from "./install";

const always: Need[] = [
  { command: "git", debianPackage: "git" },
  { command: "openssl", debianPackage: "openssl" },
  { command: "ip", debianPackage: "iproute2" },
  { command: "iptables", debianPackage: "iptables" },
  { command: "dnsmasq", debianPackage: "dnsmasq-base" },
  { command: "dockerd", debianPackage: "docker.io" },
  { command: "containerd", debianPackage: "containerd" },
  { command: "docker-registry", debianPackage: "docker-registry" },
  { command: "debootstrap", debianPackage: "debootstrap" },
  { command: "python3", debianPackage: "python3" },
  { command: "kubectl", debianPackage: "kubernetes-client" },
];

const node: Need[] = [
  { command: "etcd", debianPackage: "etcd-server" },
  { command: "runc", debianPackage: "runc" },
  { command: "conntrack", debianPackage: "conntrack" },
  { command: "/usr/lib/cni/bridge", debianPackage: "containernetworking-plugins" },
];

/** The programs the local system runs; a cluster that is there already needs fewer. */
export const needs = (context: string | undefined): Need[] => (context ? always : [...always, ...node]);
