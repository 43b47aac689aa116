"""A Slurm cluster on this machine alone, for as long as a test needs it: configuration, state, keys and logs lie in a folder of its
own, daemons listen on free ports of 127.0.0.1 and end with the test, and nothing of a Slurm that may be installed here is used
but its programs."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "setpriv"]
NODES = ["n1", "n2", "gpus"]

CONFIGURATION = """
ClusterName=heft
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A job that was requeued waits until its earlier credential has expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/%n
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=10
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
# Jobs of "high" send away those of "low", which have a minute to save.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
NodeName=gpus NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[3]} CPUs=2 Gres=gpu:2
PartitionName=low Nodes=n1,n2 Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=60 State=UP
PartitionName=high Nodes=n1,n2 PriorityTier=2 PreemptMode=OFF State=UP
PartitionName=gpu Nodes=gpus State=UP
"""
# No devices of this kind are opened: Slurm counts them, and says to each job which are its own.
DEVICES = "NodeName=gpus Name=gpu File=/dev/null\nNodeName=gpus Name=gpu File=/dev/zero\n"


class Unavailable(Exception):
    """Why no cluster can be had here."""


def wait_until(happened, seconds: float, what: str):
    """What `happened` returns, once that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := happened():
            return found
        time.sleep(0.05)
    raise AssertionError(f"in {seconds} seconds did not happen: {what}")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class SlurmCluster:
    """Two machines of one processor each, a third with two GPUs that are none."""

    def __init__(self, folder: Path):
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        if missing := [name for name in PROGRAMS if not shutil.which(name, path=path)]:
            raise Unavailable(f"Slurm is not installed here ({', '.join(missing)}); 'scripts/setup slurm' does it")
        self.folder = folder
        self.environment = {**os.environ, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
        self.daemons: list[subprocess.Popen] = []
        host = socket.gethostname().split(".")[0]
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        text = CONFIGURATION.format(folder=folder, host=host, user=user, ports=free_ports(1 + len(NODES)))
        (folder / "slurm.conf").write_text(text)
        (folder / "gres.conf").write_text(DEVICES)
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o400)
        for name in ("state", *NODES):
            (folder / name).mkdir()
        try:
            # Forced, since nobody else can get at the folder, which it takes for a mistake.
            self._start("munged", "--foreground", "--force", *(f"--{what}-file={folder / 'munge'}.{what}" for what in ("key", "pid", "seed")),
                        f"--socket={folder / 'munge.socket'}")
            self._expect((folder / "munge.socket").exists)
            self._start("slurmctld", "-D")
            for node in NODES:
                self._start("slurmd", "-D", "-N", node)
            self._expect(lambda: self._ask("sinfo", "-h", "-N", "-o", "%N %T").count(" idle") >= len(NODES))
        except BaseException:
            self.stop()
            raise

    def _start(self, program, *arguments):
        # A daemon ends with the test even where the test is killed.
        command = ["setpriv", "--pdeathsig", "TERM", program, *map(str, arguments)]
        with (self.folder / "daemons.log").open("a") as log:
            self.daemons.append(subprocess.Popen(command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _expect(self, happened):
        until = time.monotonic() + 30
        while not happened():
            ended = [daemon.args[3] for daemon in self.daemons if daemon.poll() is not None]
            if ended or time.monotonic() > until:
                said = [line for line in (self.folder / "daemons.log").read_text().splitlines() if "fatal" in line or "Error" in line]
                raise Unavailable(f"{', '.join(ended) or 'Slurm'} does not run here: {said[-1] if said else 'no node came up in 30 seconds'}")
            time.sleep(0.05)

    def _ask(self, *command) -> str:
        return subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, text=True).stdout

    def _tell(self, *command) -> None:
        subprocess.run(list(map(str, command)), env=self.environment, check=True, capture_output=True)

    def settle(self, seconds: float = 120) -> None:
        """Waits until nothing is queued and nothing runs."""
        wait_until(lambda: self._ask("squeue", "-h") == "", seconds, "an empty queue")

    def state(self, job: str) -> str:
        """How a job ended, as in "12" or "12_3"."""
        shown = self._ask("scontrol", "show", "job", job)
        return shown.split("JobState=")[1].split()[0]

    def requeue(self, job: str) -> None:
        self._tell("scontrol", "requeue", job)

    def cancel(self, job: str) -> None:
        self._tell("scancel", job)

    def preempt(self, job: str) -> None:
        """Queues something more important that needs the machine of this job."""
        node = self._ask("squeue", "-h", "-j", job, "-o", "%N").strip()
        self._tell("sbatch", "--partition=high", "--output=/dev/null", f"--nodelist={node}", "--wrap=sleep 1")

    def stop(self) -> None:
        if self.daemons:
            self._ask("scancel", "--user", str(os.getuid()))
            with contextlib.suppress(AssertionError):
                self.settle(20)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = []
