"""
Pictures from nginx, where it is installed: so that a measurement does not measure this sandbox.

It serves one sheet under every picture's address, each marked with the photo's own id, and knows
nothing of faults, latencies and calls.
"""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestor.sandbox.certificate import Certificate
from ingestor.sandbox.marks import START_OF_IMAGE, mark_of

PLACES: Final = ("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx")
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
AN_ID: Final = "5" + 10 * "0"
"""As long as every id of the made world: the mark tells its own length."""

WITH_THE_PARENT: Final = '"$@" & read -r _; exec 2>/dev/null; kill -9 "$!"; wait "$!"'
"""For a shell: nginx ends when our end of the pipe is closed, even if we are killed. It has nothing to
save, and a politer signal in its first moments is forgotten."""

CONFIGURATION: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nodelay on;
    keepalive_timeout 75s;
    keepalive_requests 10000000;
    default_type image/jpeg;
    server {{
        listen {host}:{port}{secure};
        {certificate}
        root {folder};
        location = /rest.jpg {{ internal; }}
        location = /marked.jpg {{
            internal;
            ssi on;
            ssi_types image/jpeg;
        }}
        location ~ "^/[0-9]+/(?<photo>[0-9]{{11}})_[0-9a-f]+(_[a-z0-9]+)?\\.jpg$" {{
            rewrite ^ /marked.jpg last;
        }}
        location / {{ return 404; }}
    }}
}}
"""
"""Single process: what ends it ends all of it, and one core is what it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureServer:
    """Where nginx answers."""

    host: str
    port: int
    certificate: Certificate | None

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.port}"

    def configuration(self, folder: Path) -> str:
        shown = self.certificate and (
            f"ssl_certificate {self.certificate.chain}; "
            f"ssl_certificate_key {self.certificate.key}; "
            "ssl_protocols TLSv1.2 TLSv1.3;"
        )
        return CONFIGURATION.format(
            folder=folder,
            host=self.host,
            port=self.port,
            secure=" ssl" if self.certificate else "",
            certificate=shown or "",
        )


def installed() -> str | None:
    """Where nginx is, if it is anywhere."""
    return next((found for place in PLACES if (found := shutil.which(place))), None)


@asynccontextmanager
async def serving(sheet: bytes, *, at: PictureServer, folder: Path) -> AsyncIterator[None]:
    """Serve a sheet as every picture. Raises `OSError` where nginx is missing or does not start."""
    program = installed()
    if program is None:
        raise OSError("nginx is not installed (apt-get install nginx-light)")
    lead, rest = marked_by_nginx(sheet)
    (folder / "marked.jpg").write_bytes(lead)
    (folder / "rest.jpg").write_bytes(rest)
    file = folder / "nginx.conf"
    file.write_text(at.configuration(folder))
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", WITH_THE_PARENT, "sh"),
        *(program, "-e", "stderr", "-p", str(folder), "-c", str(file)),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        await _answering(at, process)
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()


def marked_by_nginx(sheet: bytes) -> tuple[bytes, bytes]:
    """The beginning of a picture, in which nginx writes the photo's id, and the rest as it is."""
    mark = mark_of(AN_ID).replace(AN_ID.encode(), b'<!--#echo var="photo" -->')
    return START_OF_IMAGE + mark + b'<!--#include virtual="/rest.jpg" -->', sheet[2:]


def free_port(host: str) -> int:
    """One that nobody has now; nginx takes it a moment later."""
    with socket.create_server((host, 0)) as place:
        number: int = place.getsockname()[1]
        return number


async def _answering(at: PictureServer, process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                with contextlib.suppress(ConnectionError):
                    _, writer = await asyncio.open_connection(at.host, at.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    raise OSError("nginx did not start")
