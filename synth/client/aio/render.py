"""Batch renders, for programs of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

from synth.api.renders import NewRender, RenderFile, RenderView
from synth.client import calls
from synth.client.aio.wire import Wire
from synth.client.breaks import LOST
from synth.client.calls import RENDERS, asked
from synth.client.download import Download, chosen
from synth.client.errors import RenderFailed


class AsyncRenders:
    """Batch renders of the daemon."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create(self, body: NewRender | None = None, **fields: Any) -> AsyncRender:
        """Ask for a render; `fields` are those of NewRender. It is asked for once, however often this is sent."""
        return AsyncRender(self._wire, await self._wire.call(calls.create_render(asked(NewRender, body, fields))))

    async def get(self, render_id: str) -> AsyncRender:
        """The render of this id."""
        return AsyncRender(self._wire, await self._wire.call(calls.render(f"{RENDERS}/{render_id}")))

    async def list(self, limit: int | None = None) -> list[RenderView]:
        """Renders that the caller may see, newest first."""
        return (await self._wire.call(calls.list_renders(limit))).renders


class AsyncRender:
    """One render; `view` is what was last told of it."""

    def __init__(self, wire: Wire, view: RenderView) -> None:
        self.id, self.view = view.id, view
        self._wire, self._here = wire, view.href

    async def look(self) -> RenderView:
        """How far it is now."""
        self.view = await self._wire.call(calls.render(self._here))
        return self.view

    async def follow(self) -> AsyncIterator[RenderView]:
        """How far it is, whenever that changes, to its end."""
        async for told in self._wire.follow(f"{self._here}/events", {}):
            self.view = RenderView.model_validate(told.data)
            yield self.view
            if self.view.over:
                return

    async def wait(self, progress: Callable[[RenderView], None] = lambda view: None) -> RenderView:
        """Wait until it is finished; `progress` is told how far it is. RenderFailed when it is not to be."""
        async for view in self.follow():
            progress(view)
        if self.view.status != "finished":
            raise RenderFailed(self.view)
        return self.view

    async def download(self, folder: str | Path, names: Iterable[str] | None = None) -> list[Path]:
        """Fetch its files, or those called `names`, into `folder`; where they are. What is there already, whole or in
        part, is not fetched again. DownloadError when one does not come as it was said to be."""
        files = chosen((await self.look()).files, names)
        return [await self._fetch(Download(file, Path(folder)), file) for file in files]

    async def _fetch(self, download: Download, file: RenderFile) -> Path:
        breaks = self._wire.breaks()
        while not download.is_there:
            try:
                async with self._wire.stream(file.href, download.headers, {}) as response:
                    place = download.opened(response)
                    async for part in response.aiter_bytes():
                        place = download.write(place, part)
                        breaks.fine()
                return download.finish()
            except LOST as error:
                wait_s = breaks.lost(error)
            await asyncio.sleep(wait_s)
        return download.target

    async def cancel(self) -> None:
        """End it; one that is over is removed with its files."""
        await self._wire.call(calls.end_render(self._here))
