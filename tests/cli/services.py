# SPDX-License-Identifier: Apache-2.0
"""Small metadata services on loop-back: what the providers' documentation says that theirs answer,
and the ways in which one may fail."""
import http.server
import socket
import threading
import time

TOKEN = "AQAEAHh3-token_of/a+test=="
AWS = {"instance-type": "p5.48xlarge", "placement/availability-zone": "us-east-1d",
       "instance-life-cycle": "spot"}
GCP = {"machine-type": "projects/987654321/machineTypes/a3-highgpu-8g",
       "zone": "projects/987654321/zones/us-central1-a", "scheduling/preemptible": "FALSE"}
AZURE = ('{"azEnvironment":"AzurePublicCloud","location":"westeurope","name":"secret-name",'
         '"priority":"Spot","subscriptionId":"secret-subscription","vmId":"secret-id",'
         '"vmSize":"Standard_ND96isr_H100_v5","zone":"2"}')
OCI = {"shape": "BM.GPU.H100.8", "canonicalRegionName": "us-phoenix-1", "ociAdName": "phx-ad-1"}


def aws(method, path, headers):
    """Version 2 alone: a question without a token is refused."""
    if path == "/latest/api/token":
        wanted = method == "PUT" and headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        return (200, {}, TOKEN) if wanted else (400, {}, "")
    if headers.get("X-aws-ec2-metadata-token") != TOKEN:
        return 401, {}, ""
    return leaf(AWS, "/latest/meta-data/", path)


def aws_old(method, path, headers):
    """Version 1: knows no tokens."""
    return leaf(AWS, "/latest/meta-data/", path)


def gcp(method, path, headers):
    if headers.get("Metadata-Flavor") != "Google":
        return 403, {}, ""
    code, more, body = leaf(GCP, "/computeMetadata/v1/instance/", path)
    return code, dict(more, **{"Metadata-Flavor": "Google"}), body


def azure(method, path, headers):
    if headers.get("Metadata") != "true":
        return 400, {}, '{"error":"Bad request. Required metadata header not specified"}'
    wanted = path.startswith("/metadata/instance/compute?api-version=")
    return (200, {}, AZURE) if wanted else (404, {}, "")


def oci(method, path, headers):
    if headers.get("Authorization") != "Bearer Oracle":
        return 404, {}, ""
    return leaf(OCI, "/opc/v2/instance/", path)


def oci_old(method, path, headers):
    return leaf(OCI, "/opc/v1/instance/", path)


def leaf(values, folder, path):
    if path.startswith(folder) and path[len(folder):] in values:
        return 200, {}, values[path[len(folder):]]
    return 404, {}, "Not Found"


GOOD = {"aws": aws, "gcp": gcp, "azure": azure, "oci": oci}


class Service:
    """Answers by `answer(method, path, headers)`: code, headers, text; or bytes for what no HTTP
    server would send; or a number of seconds to say nothing."""

    def __init__(self, answer):
        self.asked = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                service.asked.append((self.command, self.path))
                said = answer(self.command, self.path, self.headers)
                try:
                    self.say(said)
                except OSError:
                    pass  # the asker went away

            do_PUT = do_GET

            def say(self, said):
                self.close_connection = True
                if isinstance(said, (int, float)):
                    time.sleep(said)
                elif isinstance(said, bytes):
                    self.wfile.write(said)
                else:
                    code, headers, text = said
                    self.send_response(code)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    if "Content-Length" not in headers:
                        self.send_header("Content-Length", str(len(text.encode())))
                    self.end_headers()
                    self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Deaf:
    """Listens and never accepts: its queue is full."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.waiting = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(self.socket.getsockname())
            self.waiting.append(caller)

    def close(self):
        for caller in self.waiting:
            caller.close()
        self.socket.close()


class Closed:
    """An address where nobody listens."""

    def __init__(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % taken.getsockname()[1]

    def close(self):
        pass
