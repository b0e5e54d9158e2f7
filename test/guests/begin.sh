# Process 1 of a guest. What is to be run is in /guest/command, put there at boot; it runs in a child, so that nothing that
# is done to the processes that are watched can keep the guest from ending.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs securityfs /sys/kernel/security
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
hostname guest
# The second port carries what the command says, as it says it.
stty -F /dev/ttyS1 raw -echo
exec </dev/null >/dev/ttyS1 2>&1
echo "guest: begin $(uname -r) $(cat /sys/kernel/security/lsm)"
bash /guest/command
status=$?
tar -C /guest/results -cf /dev/vdb .
sync
echo "guest: end $status"
sleep 0.2
echo b >/proc/sysrq-trigger
