#!/bin/sh
# Runs as process 1 of fresh namespaces: makes ROOT the file system as a container engine would
# (read-only; memory where a container may write; a bare /dev), then becomes COMMAND.
#   enter.sh ROOT UID:GID RUN_DIRECTORY_OPTIONS [HOST_PATH=IMAGE_PATH...] -- COMMAND [ARG...]
set -eu
root=$1 user=$2 run=$3
shift 3

mount --make-rprivate /
mount --bind "$root" "$root"

while [ "$1" != -- ]; do
  from=${1%%=*} to=$root${1#*=}
  if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "${to%/*}" && touch "$to"; fi
  mount --bind "$from" "$to"
  shift
done
shift

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,noexec,mode=0755,size=64k dev "$root/dev"
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m shm "$root/dev/shm"
# An absolute link (/var/run) would lead out of the root here, so /run it is.
mount -t tmpfs -o "nosuid,nodev,noexec,size=64m,$run" run "$root/run/baton"
mount -o remount,bind,ro "$root"

exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
