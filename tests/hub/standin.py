"""A stand-in for the Hugging Face hub: its protocol, spoken over a folder, with faults on demand.

``root/{models,datasets}/{owner}/{name}/{revision}/`` holds the files of one revision. Requests
are recorded. A `Fault` spoils the requests that match it, as often as it says.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".parquet", "tokenizer.json")
PAGE = 3


@dataclass
class Fault:
    """What goes wrong with requests whose "METHOD /path" matches: an HTTP status, or one of
    ``drop``, ``stall``, ``truncate``, ``flip``. ``times`` bounds how often."""

    match: str
    kind: int | str
    times: int = 1_000_000
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 3.0


@dataclass
class Hub:
    """The stand-in while it runs."""

    root: Path
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    delay: float = 0.0

    def folder(self, kind: str, repo: str, revision: str) -> Path | None:
        """The files of a revision, named by branch or by commit."""
        base = self.root / kind / repo
        if (base / revision).is_dir():
            return base / revision
        for branch in self.branches(kind, repo):
            if commit(base / branch) == revision:
                return base / branch
        return None

    def branches(self, kind: str, repo: str) -> list[str]:
        base = self.root / kind / repo
        return sorted(path.name for path in base.iterdir()) if base.is_dir() else []

    def fault(self, line: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.match, line):
                    fault.times -= 1
                    return fault
        return None


def commit(folder: Path) -> str:
    """A commit of 40 digits that the revision's place gives it."""
    return hashlib.sha1(str(folder.relative_to(folder.parents[3])).encode()).hexdigest()


@lru_cache(maxsize=4096)
def hashes(path: Path, mtime: int, size: int) -> tuple[str, str]:
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return hashlib.sha256(data).hexdigest(), blob


def hashes_of(path: Path) -> tuple[str, str]:
    stat = path.stat()
    return hashes(path, stat.st_mtime_ns, stat.st_size)


def entry(folder: Path, path: Path) -> dict[str, object]:
    sha256, blob = hashes_of(path)
    size = path.stat().st_size
    told: dict[str, object] = {
        "type": "file",
        "oid": blob,
        "size": size,
        "path": str(path.relative_to(folder)),
    }
    if path.name.endswith(LARGE):
        told["lfs"] = {"oid": sha256, "size": size, "pointerSize": 134}
    return told


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body after its header would wait 40 ms for a receipt
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests are recorded by the hub."""

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    def answer(self) -> None:
        line = f"{self.command} {unquote(self.path)}"
        with self.hub.lock:
            self.hub.requests.append(line)
            self.hub.headers.append(dict(self.headers))
        if self.hub.delay:
            time.sleep(self.hub.delay)
        fault = self.hub.fault(line)
        if fault is not None and isinstance(fault.kind, int):
            self.reply(fault.kind, b"spoilt", extra=fault.headers)
            return
        if fault is not None and fault.kind == "drop":
            self.close_connection = True
            self.connection.close()
            return
        path = urlsplit(unquote(self.path)).path
        if match := re.fullmatch(
            r"/api/(models|datasets)/([^/]+/[^/]+)/(refs|revision|tree)(?:/(.*))?", path
        ):
            self.api(match[1], match[2], match[3], match[4] or "", fault)
        elif match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            kind = "datasets" if match[1] else "models"
            self.resolve(kind, match[2], match[3], match[4], fault)
        else:
            self.missing("RepoNotFound")

    def refused(self, repo: str) -> bool:
        if self.hub.gated & {repo}:
            self.reply(403, b"gated", extra={"X-Error-Code": "GatedRepo"})
            return True
        if repo in self.hub.private and "secret" not in self.headers.get("Authorization", ""):
            self.reply(401, b"who are you", extra={"X-Error-Code": "RepoNotFound"})
            return True
        return False

    def api(self, kind: str, repo: str, what: str, rest: str, fault: Fault | None) -> None:
        branches = self.hub.branches(kind, repo)
        if self.refused(repo):
            return
        if not branches:
            self.missing("RepoNotFound")
            return
        base = self.hub.root / kind / repo
        if what == "refs":
            told = [
                {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit(base / name)}
                for name in branches
            ]
            self.json({"branches": told, "tags": [], "converts": []}, fault)
            return
        folder = self.hub.folder(kind, repo, rest.split("/")[0])
        if folder is None:
            self.missing("RevisionNotFound")
            return
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if what == "revision":
            siblings = [{"rfilename": str(path.relative_to(folder))} for path in files]
            self.json({"id": repo, "sha": commit(folder), "siblings": siblings}, fault)
            return
        query = parse_qs(urlsplit(self.path).query)
        first = int(query.get("cursor", ["0"])[0])
        page = [entry(folder, path) for path in files[first : first + PAGE]]
        extra = {}
        if first + PAGE < len(files):
            address = f"{self.hub.url}{urlsplit(self.path).path}?recursive=true"
            extra["Link"] = f'<{address}&cursor={first + PAGE}>; rel="next"'
        self.json(page, fault, extra)

    def resolve(self, kind: str, repo: str, revision: str, name: str, fault: Fault | None) -> None:
        if self.refused(repo):
            return
        folder = self.hub.folder(kind, repo, revision)
        if folder is None:
            found = self.hub.branches(kind, repo)
            self.missing("RevisionNotFound" if found else "RepoNotFound")
            return
        path = folder / name
        if not path.is_file():
            self.missing("EntryNotFound")
            return
        data, (sha256, blob) = path.read_bytes(), hashes_of(path)
        etag = sha256 if path.name.endswith(LARGE) else blob
        extra = {"ETag": f'"{etag}"', "X-Repo-Commit": commit(folder), "Accept-Ranges": "bytes"}
        status, first = 200, 0
        if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            first, status = int(match[1]), 206
            extra["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self.reply(status, data[first:], fault, extra, name)

    def json(self, value: object, fault: Fault | None, extra: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": "application/json", **(extra or {})}
        self.reply(200, json.dumps(value).encode(), fault, headers)

    def missing(self, code: str) -> None:
        self.reply(404, b"", extra={"X-Error-Code": code})

    def reply(
        self,
        status: int,
        body: bytes,
        fault: Fault | None = None,
        extra: dict[str, str] | None = None,
        name: str = "",
    ) -> None:
        kind = fault.kind if fault is not None else None
        if kind == "flip" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        self.send_response(status)
        for key, value in (extra or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        whole = len(body)
        if kind in ("truncate", "stall"):
            body = body[: len(body) // 2]
        try:
            self.wfile.write(body)
            self.wfile.flush()
            with self.hub.lock:
                self.hub.sent[name] = self.hub.sent.get(name, 0) + len(body)
            if kind == "stall" and fault is not None:
                threading.Event().wait(fault.seconds)  # tests may patch away sleep
        except OSError:
            self.close_connection = True
        if len(body) < whole:
            self.close_connection = True


@contextmanager
def serve(root: Path) -> Iterator[Hub]:
    """Run a stand-in over ``root`` on a free loopback port."""
    hub = Hub(root)
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
