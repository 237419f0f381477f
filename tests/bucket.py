"""A real S3 server in a process of its own, buckets in it, and the emobatch command that is told of it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from analytics import store
from tests.command import COMMAND, ENVIRONMENT, Finished

# Says on which port it listens, and ends with its stdin.
SERVER: Final = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
KEYS: Final = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Server:
    """An S3 server that runs."""

    process: "subprocess.Popen[str]"
    client: Any
    environment: Mapping[str, str]
    """What tells a program of it."""

    def keys(self, bucket: str, prefix: str = "") -> set[str]:
        """Keys of all objects, less the prefix."""
        found = self.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {one["Key"].removeprefix(prefix) for one in found}

    def read(self, bucket: str, key: str) -> bytes:
        """The content of an object."""
        content: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def send(self, bucket: str, folder: Path) -> None:
        """Copy all files of a folder into a bucket."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.client.put_object(Bucket=bucket, Key=str(file.relative_to(folder)), Body=file.read_bytes())

    def start(self, *arguments: str | Path, cwd: Path, **variables: str) -> "subprocess.Popen[str]":
        """The command, which goes on beside the test. Its cache is in cwd, so another cwd is another machine."""
        return subprocess.Popen(
            [*COMMAND, *_with_defaults(arguments)],
            cwd=cwd,
            env={**self.environment, "XDG_CACHE_HOME": str(cwd / "cache"), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def emobatch(self, *arguments: str | Path, cwd: Path, **variables: str) -> Finished:
        """Run the command to its end."""
        with self.start(*arguments, cwd=cwd, **variables) as process:
            stdout, stderr = process.communicate(timeout=120)
        assert "Traceback" not in stderr, stderr
        assert "internal error" not in stderr, stderr
        return Finished(process.returncode, stdout, stderr)


def _with_defaults(arguments: tuple[str | Path, ...]) -> tuple[str | Path, ...]:
    if arguments[0] != "run":
        return arguments
    workers = () if "--workers" in arguments else ("--workers", "0")
    return ("run", "--stable-for", "0", *workers, *arguments[1:])


@contextmanager
def s3_server() -> Iterator[Server]:
    """A server that lives as long as the block, unless the test kills it before."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
        # Of a server that is gone, programs are to tell soon.
        own = {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_MAX_ATTEMPTS": "2", "AWS_CONFIG_FILE": os.devnull}
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        try:
            yield Server(process, client, {**ENVIRONMENT, **own})
        finally:
            client.close()
            process.kill()


@contextmanager
def in_this_process(server: Server) -> Iterator[None]:
    """This process is told of the server, as the command is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        store._filesystem.cache_clear()
        yield
        store._filesystem.cache_clear()
