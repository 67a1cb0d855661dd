#!/usr/bin/env bash
# A Slurm of one node in a folder, from Debian's slurm-wlm: `slurm.sh start FOLDER` writes its configuration and starts munge, the
# controller and the node's daemon; `slurm.sh stop FOLDER` ends them. Root alone can do it, since slurmd changes users.
set -euo pipefail
folder=$2
export SLURM_CONF=$folder/slurm.conf

start() {
  local host
  host=$(hostname -s)
  mkdir -p "$folder"/{state,spool,munge,log}
  chmod 700 "$folder/munge"
  head -c 128 /dev/urandom >"$folder/munge/key"
  chmod 400 "$folder/munge/key"
  # munged wants its folders to be its own and closed to others; its socket's folder open to all.
  mkdir -p "$folder/socket"
  chmod 755 "$folder/socket"
  munged --force --key-file="$folder/munge/key" --socket="$folder/socket/munge" --pid-file="$folder/munge/pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
  cat >"$SLURM_CONF" <<EOF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$folder/socket/munge
CredType=cred/munge
SlurmUser=root
SlurmctldPort=$((20000 + $$ % 10000 * 2))
SlurmdPort=$((20001 + $$ % 10000 * 2))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MpiDefault=none
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(awk '/MemTotal/ {print $2}' /proc/meminfo) / 1024 - 1024))
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF
  slurmctld
  slurmd
  timeout 60 bash -c 'until sinfo -h -o %T | grep -q idle; do sleep 0.2; done'
}

stop() {
  if scancel --user="$(id -un)" 2>/dev/null; then
    timeout 20 bash -c 'while [ -n "$(squeue -h)" ]; do sleep 0.2; done' || true
  fi
  for name in slurmd slurmctld munge/pid; do
    local file=$folder/${name%.pid}
    [ "$name" = munge/pid ] || file=$folder/$name.pid
    [ -s "$file" ] || continue
    local pid
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || continue
    # A process that nobody waits for keeps its number, and no program.
    for _ in $(seq 100); do readlink "/proc/$pid/exe" >/dev/null || break; sleep 0.1; done
  done
}

"$1"
