# Root in a namespace of its own, from where mounts and more would be a matter of course. The campaign looks from the node.
. "$(dirname "$0")/lib.sh"
try "user namespace" unshare --user --map-root-user sleep 3
try "mount namespace" unshare --mount true
try "mount" mount -t tmpfs none /tmp
try "device node" mknod /tmp/disk b 8 0
try "other namespaces" nsenter --target 1 --mount true
try "chroot" chroot /tmp true
for device in /dev/kmsg /dev/mem /dev/vda /dev/sda /dev/kvm /dev/fuse; do try "$device" head -c 16 "$device"; done
tried
