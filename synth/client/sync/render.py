"""Batch renders, for programs that wait for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from synth.api.renders import NewRender, RenderFile, RenderView
from synth.client import calls
from synth.client.breaks import LOST
from synth.client.calls import RENDERS, asked
from synth.client.download import Download, chosen
from synth.client.errors import RenderFailed
from synth.client.sync.wire import Wire


class Renders:
    """Batch renders of the daemon."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def create(self, body: NewRender | None = None, **fields: Any) -> Render:
        """Ask for a render; `fields` are those of NewRender. It is asked for once, however often this is sent."""
        return Render(self._wire, self._wire.call(calls.create_render(asked(NewRender, body, fields))))

    def get(self, render_id: str) -> Render:
        """The render of this id."""
        return Render(self._wire, self._wire.call(calls.render(f"{RENDERS}/{render_id}")))

    def list(self, limit: int | None = None) -> list[RenderView]:
        """Renders that the caller may see, newest first."""
        return self._wire.call(calls.list_renders(limit)).renders


class Render:
    """One render; `view` is what was last told of it."""

    def __init__(self, wire: Wire, view: RenderView) -> None:
        self.id, self.view = view.id, view
        self._wire, self._here = wire, view.href

    def look(self) -> RenderView:
        """How far it is now."""
        self.view = self._wire.call(calls.render(self._here))
        return self.view

    def follow(self) -> Iterator[RenderView]:
        """How far it is, whenever that changes, to its end."""
        for told in self._wire.follow(f"{self._here}/events", {}):
            self.view = RenderView.model_validate(told.data)
            yield self.view
            if self.view.over:
                return

    def wait(self, progress: Callable[[RenderView], None] = lambda view: None) -> RenderView:
        """Wait until it is finished; `progress` is told how far it is. RenderFailed when it is not to be."""
        for view in self.follow():
            progress(view)
        if self.view.status != "finished":
            raise RenderFailed(self.view)
        return self.view

    def download(self, folder: str | Path, names: Iterable[str] | None = None) -> list[Path]:
        """Fetch its files, or those called `names`, into `folder`; where they are. What is there already, whole or in
        part, is not fetched again. DownloadError when one does not come as it was said to be."""
        return [self._fetch(Download(file, Path(folder)), file) for file in chosen(self.look().files, names)]

    def _fetch(self, download: Download, file: RenderFile) -> Path:
        breaks = self._wire.breaks()
        while not download.is_there:
            try:
                with self._wire.stream(file.href, download.headers, {}) as response:
                    place = download.opened(response)
                    for part in response.iter_bytes():
                        place = download.write(place, part)
                        breaks.fine()
                return download.finish()
            except LOST as error:
                wait_s = breaks.lost(error)
            time.sleep(wait_s)
        return download.target

    def cancel(self) -> None:
        """End it; one that is over is removed with its files."""
        self._wire.call(calls.end_render(self._here))
