#!/usr/bin/env bash
# A Slurm of one node on the loopback interface, for the tests: a controller, a node daemon and munge, started by hand, without systemd,
# cgroups or a database. All that it writes lies in one folder, but for two links in /etc/slurm: Snakemake's plugin clears the variable
# SLURM_CONF before it calls srun, so the configuration must stand in the usual place.
#
#   single-node.sh start FOLDER    write the configuration, start the daemons, wait until the node is idle
#   single-node.sh stop FOLDER     end them and all jobs
#
# GPUS (2) made-up GPUs: character devices that act as /dev/null. Slurm counts them, gives none to two jobs at once and sets
# CUDA_VISIBLE_DEVICES; nothing computes on them. CPUS (4) of the node, whatever the machine has: more than GPUs, so that they are what is short.
# Needs root (device files, daemons) and, on Debian and Ubuntu, the packages slurm-wlm and munge.
set -euo pipefail

action=${1:-} folder=${2:-}
if [ -z "$folder" ] || { [ "$action" != start ] && [ "$action" != stop ]; }; then
  echo "usage: $0 start|stop FOLDER" >&2
  exit 2
fi
GPUS=${GPUS:-2} CPUS=${CPUS:-4}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
usual=/etc/slurm

running() { [ -s "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }

eventually() { # eventually WHAT COMMAND...: wait until the command succeeds, 20 seconds at most
  local what=$1
  shift
  for _ in $(seq 200); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "single-node.sh: $what; see the logs in $folder" >&2
  exit 1
}

stop() {
  local daemon pid file
  if running slurmctld; then
    scancel --user="$(id -un)" || true
    eventually "jobs do not end" sh -c '! squeue --noheader | grep -q .'
  fi
  for daemon in slurmd slurmctld munged; do
    if running "$daemon"; then
      pid=$(cat "$folder/$daemon.pid")
      kill "$pid"
      eventually "$daemon does not end" sh -c "! kill -0 $pid"
    fi
    rm -f "$folder/$daemon.pid"
  done
  for file in slurm.conf gres.conf; do
    if [ "$(readlink "$usual/$file")" = "$folder/$file" ]; then rm "$usual/$file"; fi
  done
}

needed() {
  if [ "$(id -u)" != 0 ]; then
    echo "single-node.sh: must run as root" >&2
    exit 1
  fi
  local command
  for command in slurmctld slurmd sbatch munged; do
    if ! PATH=$PATH:/usr/sbin command -v "$command" >/dev/null; then
      echo "single-node.sh: $command is not installed; on Debian and Ubuntu: apt-get install slurm-wlm munge" >&2
      exit 1
    fi
  done
  if [ -e "$usual/slurm.conf" ] || [ -L "$usual/slurm.conf" ]; then
    echo "single-node.sh: $usual/slurm.conf exists: this machine has a Slurm, or another test is running" >&2
    exit 1
  fi
}

free_ports() { # two ports that nobody listens on
  python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))
PYTHON
}

configure() {
  local host controller_port node_port number
  host=$(hostname -s)
  read -r controller_port node_port < <(free_ports)
  for number in $(seq 0 $((GPUS - 1))); do
    [ -c "$folder/gpu$number" ] || mknod -m 666 "$folder/gpu$number" c 1 3
  done
  # the number at the end of the file's name is what CUDA_VISIBLE_DEVICES says
  echo "NodeName=$host Name=gpu Type=made_up File=$folder/gpu[0-$((GPUS - 1))]" >"$folder/gres.conf"
  cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
# processes are found by their parents, which needs no cgroups
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
# the node has what is written here, not what the machine has
SlurmdParameters=config_overrides
ReturnToService=2
# an ended job stays in the list, so that its end is seen however late somebody asks
MinJobAge=86400
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=${MEMORY_MB:-20000} Gres=gpu:made_up:$GPUS State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=500
CONF
}

start_daemons() {
  mkdir -p "$folder/state" "$folder/spool" "$usual"
  ln -s "$folder/slurm.conf" "$folder/gres.conf" "$usual/"
  # munge trusts no folder that others may write to, and runs as the user it is started as
  chmod 755 "$folder"
  if [ ! -s "$folder/munge.key" ]; then
    (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
  fi
  export PATH=$PATH:/usr/sbin
  munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
  eventually "munged does not start" test -S "$folder/munge.socket"
  slurmctld
  slurmd
  eventually "the node does not become idle" sh -c 'sinfo --noheader --Node --format=%t | grep -qx idle'
}

case $action in
  start)
    stop
    needed
    configure
    start_daemons
    sinfo --Node --format="%N: %t, %c CPUs, %m MB, %G"
    ;;
  stop) stop ;;
esac
