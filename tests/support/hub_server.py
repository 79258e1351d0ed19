"""A Hugging Face hub on this machine that serves one repository, and a cache of it laid out by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def cache(root: Path, repository: str, commit: str, folder: Path, **refs: str) -> Path:
    """Lay a folder out as huggingface_hub keeps a commit: blobs, links to them, and what names stand for."""
    kept = root / f"models--{repository.replace('/', '--')}"
    for directory in ("blobs", "refs", f"snapshots/{commit}"):
        (kept / directory).mkdir(parents=True, exist_ok=True)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        blob = kept / "blobs" / sha1(path.read_bytes()).hexdigest()
        blob.write_bytes(path.read_bytes())
        link = kept / "snapshots" / commit / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    for name, stands_for in refs.items():
        (kept / "refs" / name).write_text(stands_for)
    return kept


@contextmanager
def serving(repository: str, commit: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder as the only commit of a repository; yield the address and the requests so far."""
    asked: list[str] = []
    listing = [
        {"type": "file", "path": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "oid": "0"}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            path, files = self.path.partition("?")[0], f"/{repository}/resolve/{commit}/"
            asked.append(path)
            if path == f"/api/models/{repository}/revision/main":
                self._send(json.dumps({"id": repository, "sha": commit, "siblings": []}).encode(), body)
            elif path == f"/api/models/{repository}/tree/{commit}":
                self._send(json.dumps(listing).encode(), body)
            elif path.startswith(files):
                self._send((folder / path.removeprefix(files)).read_bytes(), body)
            else:
                self.send_error(404)

        def _send(self, data: bytes, body: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{sha1(data).hexdigest()}"')
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
