"""The assistant's window: which page comes when."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.setup.plan import SetupPlan
from sigmavault.desktop.setup.draft import Draft
from sigmavault.desktop.setup.engine import Engine
from sigmavault.desktop.setup.page import StepPage
from sigmavault.desktop.setup.pages.disks import DisksPage
from sigmavault.desktop.setup.pages.folders import FoldersPage
from sigmavault.desktop.setup.pages.machine import MachinePage
from sigmavault.desktop.setup.pages.models import ModelsPage
from sigmavault.desktop.setup.pages.network import NetworkPage
from sigmavault.desktop.setup.pages.progress import ProgressPage
from sigmavault.desktop.setup.pages.result import ResultPage
from sigmavault.desktop.setup.pages.summary import SummaryPage
from sigmavault.desktop.setup.pages.welcome import WelcomePage
from sigmavault.desktop.setup.resume import resume
from sigmavault.desktop.toolkit import Adw, Gtk

PAGES: Final[tuple[type[StepPage], ...]] = (
    WelcomePage, NetworkPage, MachinePage, DisksPage, FoldersPage, ModelsPage, SummaryPage,
)  # fmt: skip


class SetupWindow(Adw.ApplicationWindow):
    """One window for one run."""

    def __init__(self, application: Adw.Application, engine: Engine, *, is_first_login: bool) -> None:
        super().__init__(
            application=application, title="Set Up SigmaVault", default_width=760, default_height=720,
            width_request=360, height_request=360, icon_name="sigmavault",
        )  # fmt: skip
        self._engine = engine
        self._is_first_login = is_first_login
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_running = False
        self._navigation = Adw.NavigationView()
        self._navigation.connect("notify::visible-page", lambda *_: self._shown())
        self.set_content(self._navigation)
        self.connect("close-request", lambda _window: self._closing())
        self._look()

    # --- beginning ---

    def _look(self) -> None:
        """Show that the machine is looked at, and look."""
        status = Adw.StatusPage(title="Looking at This Machine", child=Adw.Spinner(height_request=48))
        self._navigation.replace([_plain("Set Up SigmaVault", status)])
        self._start(self._looking())

    async def _looking(self) -> None:
        try:
            facts, before = await self._engine.look()
        except SigmaVaultError as error:
            again = Gtk.Button(label="Try Again", halign=Gtk.Align.CENTER, css_classes=["pill"])
            again.connect("clicked", lambda _button: self._look())
            status = Adw.StatusPage(
                icon_name="dialog-error-symbolic", title="This Machine Cannot Be Set Up Now", child=again,
                description="\n".join(each for each in (error.message, error.hint) if each),
            )  # fmt: skip
            self._navigation.replace([_plain("Set Up SigmaVault", status)])
            return
        self._draft = Draft.of(facts)
        resume(self._draft, before)
        first = self._page(0)
        if self._is_first_login and isinstance(first, WelcomePage):
            first.offer_to_decline(lambda: self._start(self._declining()))
        self._navigation.replace([first])

    async def _declining(self) -> None:
        with contextlib.suppress(SigmaVaultError):
            await self._engine.decline()
        self.close()

    # --- pages ---

    def _page(self, at: int) -> StepPage:
        page = PAGES[at](self._draft, lambda: self._forward(at))
        unreal = ", simulated" if self._draft.facts.is_simulated else ""
        page.heading.set_subtitle(f"Step {at + 1} of {len(PAGES)}{unreal}")
        return page

    def _forward(self, at: int) -> None:
        page = self._navigation.get_visible_page()
        if not page.is_complete:
            return
        if at + 1 < len(PAGES):
            self._navigation.push(self._page(at + 1))
        else:
            self._start(self._carrying_out(page.plan))

    def _shown(self) -> None:
        page = self._navigation.get_visible_page()
        if isinstance(page, StepPage):
            self.set_default_widget(page.forward)
            page.shown()
        if isinstance(page, SummaryPage) and page.is_asked_of_the_host:
            self._start(self._rehearsing(page))

    async def _rehearsing(self, page: SummaryPage) -> None:
        """What the host daemon says beforehand; without it the plan is shown all the same."""
        with contextlib.suppress(SigmaVaultError):
            page.show_rehearsal(await self._engine.rehearse(self._draft.as_json()))

    # --- carrying out ---

    async def _carrying_out(self, plan: SetupPlan) -> None:
        page = ProgressPage(self._draft, self.close)
        page.show_plan(plan)
        self._navigation.push(page)
        self._is_running, failure = True, ""
        try:
            async for told in self._engine.run(self._draft.as_json()):
                plan = told.plan or plan
                page.show_plan(plan, told.text, told.fraction)
            failure = "" if plan.is_over else "It was stopped. The rest can be done at any later time."
        except SigmaVaultError as error:
            failure = "\n".join(each for each in (error.message, error.hint) if each)
        self._is_running = False
        result = ResultPage(self._draft, self.close)
        result.show_plan(plan, failure)
        self._navigation.replace([result])

    def _closing(self) -> bool:
        """Whether the window stays: while something is being done, it asks first."""
        if not self._is_running:
            for task in self._tasks:
                task.cancel()
            return False
        dialog = Adw.AlertDialog(
            heading="Stop Setting Up?",
            body="What is being done right now goes on to its end. The rest can be done at any later time.",
            default_response="go-on", close_response="go-on",
        )  # fmt: skip
        dialog.add_response("go-on", "Go On")
        dialog.add_response("stop", "Stop")
        dialog.set_response_appearance("stop", Adw.ResponseAppearance.DESTRUCTIVE)
        dialog.connect("response::stop", lambda *_: self._engine.stop())
        dialog.present(self)
        return True

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_event_loop().create_task(work)
        self._tasks.add(task)  # the loop itself keeps no more than a weak reference
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def _plain(title: str, content: Gtk.Widget) -> Adw.NavigationPage:
    """A page with a header and nothing to answer."""
    view = Adw.ToolbarView(content=content)
    view.add_top_bar(Adw.HeaderBar())
    return Adw.NavigationPage(title=title, child=view)
