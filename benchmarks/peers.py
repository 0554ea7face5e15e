"""
The same work as others do it: `python peers.py WAY PORT PHOTOS` prints what it cost as JSON.

Every way lists the pool, downloads each picture, has Vision label it and writes the same labels to the
database (`img2dataset` downloads only), and does nothing that ingestor does besides: no journal, no
hash, no quota, no retries, no index to search by.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

BATCH = 16
THREADS = 32
AT_ONCE = 64
PAGE = 500
FEATURES = [{"type": "LABEL_DETECTION", "maxResults": 10}]


def listed(port: int, photos: int) -> Iterator[tuple[str, str]]:
    """(id, address) of every photo, 500 a call."""
    import requests

    with requests.Session() as session:
        for page in range(1, -(-photos // PAGE) + 1):
            form = {"method": "flickr.groups.pools.getPhotos", "page": page, "per_page": PAGE}
            answer = session.post(f"http://127.0.0.1:{port}/services/rest/", data=form).json()
            for row in answer["photos"]["photo"]:
                yield row["id"], row["url_z"]


def record(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """What is kept of a photo: its labels with their scores."""
    return {"labels": {one["description"]: one["score"] for one in found["labelAnnotations"]}}


def blog(port: int, photos: int) -> int:
    """As the blog posts do it: one picture after the other, googleapiclient, one write each."""
    import requests
    from googleapiclient.discovery import build_from_document

    vision = build_from_document(DISCOVERY, http=_plain_http(), base=f"http://127.0.0.1:{port}/")
    vision._baseUrl = f"http://127.0.0.1:{port}/"  # noqa: SLF001 - it insists on its document's
    done = 0
    for photo, address in islice(listed(port, photos), photos):
        content = base64.b64encode(requests.get(address, timeout=60).content).decode()
        body = {"requests": [{"image": {"content": content}, "features": FEATURES}]}
        found = vision.images().annotate(body=body).execute()["responses"][0]
        place = f"http://127.0.0.1:{port}/photos/{photo}.json"
        requests.patch(place, json=record(found), timeout=60)
        done += 1
    return done


def threaded(port: int, photos: int) -> int:
    """Thirty-two threads, the official Vision client over REST, firebase-admin for the writes."""
    import firebase_admin
    import requests
    from firebase_admin import db
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import vision
    from google.cloud.vision_v1.services.image_annotator.transports import (
        ImageAnnotatorRestTransport,
    )

    transport = ImageAnnotatorRestTransport(
        host=f"127.0.0.1:{port}", credentials=AnonymousCredentials(), url_scheme="http"
    )
    client = vision.ImageAnnotatorClient(transport=transport)
    os.environ["FIREBASE_DATABASE_EMULATOR_HOST"] = f"127.0.0.1:{port}"
    firebase_admin.initialize_app(options={"databaseURL": f"http://127.0.0.1:{port}/?ns=peers"})
    feature = vision.Feature(type_=vision.Feature.Type.LABEL_DETECTION, max_results=10)
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))

    def annotate(batch: list[tuple[str, str]]) -> int:
        images = [session.get(address).content for _, address in batch]
        answer = client.batch_annotate_images(
            requests=[
                vision.AnnotateImageRequest(image=vision.Image(content=image), features=[feature])
                for image in images
            ]
        )
        db.reference("/photos").update(
            {
                photo: {
                    "labels": {label.description: label.score for label in found.label_annotations}
                }
                for (photo, _), found in zip(batch, answer.responses, strict=True)
            }
        )
        return len(batch)

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(annotate, batches(islice(listed(port, photos), photos))))


def plain(port: int, photos: int) -> int:
    """Asyncio and aiohttp as an average engineer writes it: gather, b64encode, json=."""
    return asyncio.run(_plain(port, photos))


async def _plain(port: int, photos: int) -> int:
    import aiohttp

    at_once = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as session:

        async def image(address: str) -> str:
            async with at_once, session.get(address) as answer:
                return base64.b64encode(await answer.read()).decode()

        async def annotate(batch: list[tuple[str, str]]) -> int:
            contents = await asyncio.gather(*(image(address) for _, address in batch))
            body = {
                "requests": [{"image": {"content": one}, "features": FEATURES} for one in contents]
            }
            url = f"http://127.0.0.1:{port}/v1/images:annotate"
            async with session.post(url, json=body) as answer:
                found = (await answer.json())["responses"]
            labels = {photo: record(one) for (photo, _), one in zip(batch, found, strict=True)}
            url = f"http://127.0.0.1:{port}/photos.json"
            async with session.patch(url, json=labels) as answer:
                await answer.read()
            return len(batch)

        done = 0
        rows = await asyncio.to_thread(lambda: list(islice(listed(port, photos), photos)))
        # Eight batches at a time: all at once would hold every picture in memory.
        for some in batches(list(batches(rows)), size=8):
            done += sum(await asyncio.gather(*map(annotate, some)))
        return done


def img2dataset(port: int, photos: int) -> int:
    """The download leg alone: the tool that people fetch pictures by the million with."""
    import tempfile
    from pathlib import Path

    from img2dataset import download

    with tempfile.TemporaryDirectory() as folder:
        urls = Path(folder, "urls.txt")
        urls.write_text("\n".join(address for _, address in islice(listed(port, photos), photos)))
        download(
            url_list=str(urls),
            output_folder=f"{folder}/out",
            output_format="dummy",
            processes_count=1,
            thread_count=64,
            resize_mode="no",
            encode_quality=95,
            disallowed_header_directives=[],
        )
    return photos


def batches(items: Iterable[Any], *, size: int = BATCH) -> Iterator[list[Any]]:
    them = iter(items)
    while batch := list(islice(them, size)):
        yield batch


def _plain_http() -> Any:
    import httplib2

    return httplib2.Http()


DISCOVERY = {
    "name": "vision",
    "version": "v1",
    "rootUrl": "http://127.0.0.1/",
    "servicePath": "",
    "batchPath": "batch",
    "resources": {
        "images": {
            "methods": {
                "annotate": {
                    "id": "vision.images.annotate",
                    "path": "v1/images:annotate",
                    "httpMethod": "POST",
                    "parameters": {},
                    "request": {"$ref": "Body"},
                    "response": {"$ref": "Body"},
                }
            }
        }
    },
    "schemas": {"Body": {"id": "Body", "type": "object"}},
}
"""So much of Vision's discovery document as this needs; the client fetches it otherwise."""

WAYS: dict[str, Callable[[int, int], int]] = {
    "blog": blog,
    "threaded": threaded,
    "plain": plain,
    "img2dataset": img2dataset,
}


def main() -> None:
    way, port, photos = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    began = time.perf_counter()
    done = WAYS[way](port, photos)
    mine, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cpu = mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime
    print(
        json.dumps(
            {
                "photos": done,
                "cpu": cpu,
                "seconds": time.perf_counter() - began,
                "peak_mb": mine.ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
