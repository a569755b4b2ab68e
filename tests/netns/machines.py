#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several machines on one: network namespaces with host names and addresses of their own, joined by
a bridge, with links of a given rate. As a program it runs a job over them:

    machines.py --machines 3 --ranks 2 --rate 1gbit --half node2 -- ./mlbench run sendrecv

Everything (namespaces, bridge, host names, mounts, processes) lives in namespaces of one process
and ends with it, however it ends; networks made at the same time know nothing of one another. Needs
no root where the kernel gives user namespaces to everybody.

    node1 eth0 ---- node1 \\
    node2 eth0 ---- node2  > br0        eth0 shapes what a machine sends, its port of the
    node3 eth0 ---- node3 /             bridge (named like the machine) what it receives

A second network, ctl0, is the launcher's own, as in clusters: it stays when the first one is cut.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = "MLB_TEST_NETWORK"  # set for the process that owns the namespaces
SKIPPED = 77
TOOLS = ("ip", "tc", "unshare", "setpriv", "mpirun")
UNITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}

# Ethernet, IPv4 and TCP with its time stamps around the payload of one packet, as tbf counts it:
# the frame without check sum, preamble and gap. A packet that the kernel has not cut yet (GSO)
# counts with the headers of all its parts (Linux, net/core/dev.c, qdisc_pkt_len_init).
ETHERNET, IP4, TCP = 14, 20, 20 + 12


def payload_share(mtu=1500):
    """Which part of a link's rate is left for what a program sends over TCP."""
    return (mtu - IP4 - TCP) / (mtu + ETHERNET)


def bits(rate):
    """"1gbit" -> 1e9 bit/s"""
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", rate).groups()
    return float(number) * UNITS[unit]


# --------------------------------------------------------------------------------- namespaces

def skip(reason):
    if os.environ.get("MLBENCH_REQUIRE_NETNS") == "1":
        sys.exit(f"no network namespaces, and MLBENCH_REQUIRE_NETNS=1: {reason}")
    print(f"skipped: no network namespaces: {reason}")
    sys.exit(SKIPPED)


def find_tool(name):
    for folder in os.environ["PATH"].split(":"):
        if os.access(os.path.join(folder, name), os.X_OK):
            return True
    return False


def unshare_words():
    words = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child",
             "--mount-proc"]
    return words if os.geteuid() == 0 else [*words, "--user", "--map-root-user"]


def probe():
    """Why networks cannot be made here, or None."""
    make = ("mount -t tmpfs tmpfs /run && ip netns add a && ip netns exec a true"
            " && ip link add x type veth peer name y netns a && ip link add br0 type bridge"
            " && tc qdisc add dev x root tbf rate 1mbit burst 9k limit 9k")
    result = subprocess.run([*unshare_words(), "sh", "-c", make], capture_output=True, text=True)
    return None if result.returncode == 0 else result.stderr.strip()


def enter():
    """Returns in a process that owns fresh namespaces: this program is started again in them. The
    outer one waits, and ends them when it is asked to end or dies."""
    if INSIDE in os.environ:
        return settle()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if not find_tool(tool)]
    if missing:
        skip(f"{', '.join(missing)} not found")
    reason = probe()
    if reason:
        skip(reason)
    words = ["setpriv", "--pdeathsig", "KILL", *unshare_words(), sys.executable, "-B", *sys.argv]
    inner = subprocess.Popen(words, env=dict(os.environ, **{INSIDE: "1"}))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: inner.kill())
    code = inner.wait()
    sys.exit(code if code >= 0 else 128 - code)


def settle():
    """Places of our own for what programs keep under the host's name or a number of a process."""
    for folder in ("/run", "/dev/shm"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
    os.mkdir("/run/tmp")
    os.environ["TMPDIR"] = "/run/tmp"
    run("ip", "link", "set", "lo", "up")


def output(*words):
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


def run(*words):
    output(*words)


# ------------------------------------------------------------------------------------ network

class Network:
    """Machines node1 ... nodeN with the addresses 10.0.0.1 ... N. `ranks` of each, or a list."""

    def __init__(self, machines, ranks=1, rate=None, mtu=1500):
        self.names = [f"node{i + 1}" for i in range(machines)]
        self.ranks = ranks if isinstance(ranks, list) else [ranks] * machines
        self.environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
            PRTE_ALLOW_RUN_AS_ROOT="1", PRTE_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1",
            OMPI_MCA_plm_rsh_agent=f"{HERE}/agent.sh", PRTE_MCA_plm_ssh_agent=f"{HERE}/agent.sh",
            OMPI_MCA_oob_tcp_if_include="ctl0", PRTE_MCA_prte_if_include="ctl0",
            OMPI_MCA_btl_tcp_if_include="eth0", OMPI_MCA_pml="ob1", OMPI_MCA_btl="tcp,self",
            OMPI_MCA_mpi_yield_when_idle="1")
        self.environment.pop(INSIDE)
        for bridge in ("br0", "br1"):
            run("ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0")
            run("ip", "link", "set", bridge, "up")
        self.ports = []
        for i, name in enumerate(self.names):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            self.plug(name, "eth0", "br0", name, f"10.0.0.{i + 1}/24", mtu)
            self.plug(name, "ctl0", "br1", f"{name}-ctl", f"10.1.0.{i + 1}/24", 1500)
        for name in self.names:
            if rate:
                self.shape(name, rate)
        self.write_names()

    def plug(self, name, device, bridge, port, address, mtu):
        """A cable from a machine's `device` to `port` of a bridge."""
        self.ports.append(port)
        run("ip", "link", "add", port, "mtu", str(mtu), "type", "veth",
            "peer", "name", device, "mtu", str(mtu), "netns", name)
        run("ip", "link", "set", port, "master", bridge, "up")
        run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "-n", name, "address", "add", address, "dev", device)

    def close(self):
        """Ends what still runs on the machines and takes them away: room for the next network in
        the same process."""
        for name in output("ip", "netns").split("\n"):
            if not name:
                continue
            name = name.split()[0]
            for pid in output("ip", "netns", "pids", name).split():
                os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "delete", name)
        for device in (*self.ports, "br0", "br1"):
            subprocess.run(["ip", "link", "delete", device], capture_output=True)
        run("umount", "/etc/hosts")

    def write_names(self):
        with open("/run/hosts", "w") as file:
            file.write("127.0.0.1 localhost\n")
            file.writelines(f"10.1.0.{i + 1} {name}\n" for i, name in enumerate(self.names))
        run("mount", "--bind", "/run/hosts", "/etc/hosts")

    def shape(self, name, rate):
        """The rate of one machine's link, of each direction. The bucket holds two milliseconds, so
        that a message of a hundred is not late or early by more than two in a hundred; the queue
        fifty, so that nothing is lost for want of room."""
        per_ms = bits(rate) / 8e3
        burst, limit = max(int(2 * per_ms), 1 << 17), max(int(50 * per_ms), 1 << 18)
        tbf = ("tbf", "rate", rate, "burst", str(burst), "limit", str(limit))
        run("tc", "qdisc", "replace", "dev", name, "root", *tbf)
        run("tc", "-n", name, "qdisc", "replace", "dev", "eth0", "root", *tbf)

    def link(self, name, state):
        """Plugs a machine's cable in ("up") or out ("down"), at the bridge. The kernel tells both
        ends within a second or so: "up" waits for it."""
        run("ip", "link", "set", name, state)
        for _ in range(100):
            port = output("ip", "-d", "-o", "link", "show", name)
            device = output("ip", "-n", name, "-o", "link", "show", "eth0")
            if state == "down" or "state forwarding" in port and "state UP" in device:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{name}: its link does not come up")

    def on(self, name, words):
        """The words that run `words` on a machine."""
        return ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c",
                f'hostname {name}; exec "$@"', "sh", *words]

    def mpirun(self, words, options=()):
        """The words that run a job over all machines, launched on the first."""
        hosts = "/run/hostfile"
        with open(hosts, "w") as file:
            file.writelines(f"{name} slots={n}\n" for name, n in zip(self.names, self.ranks))
        return self.on(self.names[0], ["mpirun", "--hostfile", hosts, "--bind-to", "none",
                                       "-n", str(sum(self.ranks)), *options, *words])


# ------------------------------------------------------------------------------------ command

def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--machines", type=int, default=3)
    parser.add_argument("--ranks", default="1", help="of each machine, or a list: 2,2,1")
    parser.add_argument("--rate", help="of each link and direction: 100mbit, 5gbit; else unlimited")
    parser.add_argument("--half", metavar="NODE", help="this machine's link gets half of the rate")
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument("--mpirun", default="", help="more words for mpirun")
    parser.add_argument("words", nargs="+", help="the program and its words")
    return parser.parse_args()


def main():
    options = parse()
    enter()
    ranks = [int(n) for n in options.ranks.split(",")]
    network = Network(options.machines, ranks if len(ranks) > 1 else ranks[0], options.rate,
                      options.mtu)
    if options.half:
        network.shape(options.half, f"{bits(options.rate) / 2e3:.0f}kbit")
    words = network.mpirun(options.words, options.mpirun.split())
    sys.exit(subprocess.run(words, env=network.environment).returncode)


if __name__ == "__main__":
    main()
