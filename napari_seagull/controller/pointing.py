"""The region that is being pointed at: its marks, what is proposed for them, and the step to a region that is kept."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.keeping import Keeper, Kept
from napari_seagull.controller.preview_layer import PreviewLayer
from napari_seagull.controller.prompt_layer import PromptLayer
from napari_seagull.controller.proposing import Proposer, Wish
from napari_seagull.session.prompting import Shown, Sketch
from napari_seagull.views.refine_form import RefineForm
from napari_seagull.views.segment_bar import PointTool, Purpose
from seagull_iqa.domain.prompts import FloatBox, Point, Prompts
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.contours import snapped
from seagull_iqa.imaging.refine import refined

HOVER_MS = 45
"""The pointer rests this long before what lies under it is asked for."""


class Pointer(QObject):
    """Holds the prompts for one region at a time; every gesture asks anew, and can be taken back."""

    changed = Signal()  # other marks, another proposal
    began = Signal()  # somebody points at something

    def __init__(
        self,
        desk: Desk,
        images: ImageWatch,
        prompts: PromptLayer,
        proposer: Proposer,
        keeper: Keeper,
        form: RefineForm,
    ) -> None:
        super().__init__(keeper.parent())
        self._desk, self._images, self._prompts = desk, images, prompts
        self._proposer, self._keeper, self._form = proposer, keeper, form
        self.preview = PreviewLayer(desk, self)
        self.may_hover = False
        self._sketch = Sketch()
        self._shown: Shown | None = None
        self._under: Point | None = None
        self._rest = debounce(HOVER_MS, self._ask_hover, self)
        prompts.hovered.connect(self._on_hovered)
        prompts.clicked.connect(self._on_clicked)
        prompts.boxed.connect(self._on_boxed)
        prompts.scribbled.connect(self._on_scribbled)
        prompts.cycled.connect(self.cycle)
        prompts.undone.connect(self.undo)
        prompts.redone.connect(self.redo)
        proposer.proposed.connect(self._on_proposed)
        proposer.refused.connect(self._on_refused)
        form.changed.connect(self.show)

    @property
    def sketch(self) -> Sketch:
        """The prompts that are being made."""
        return self._sketch

    @property
    def shown(self) -> Shown | None:
        """What is proposed for them."""
        return self._shown

    @property
    def is_idle(self) -> bool:
        """True when the pointer does not just rest."""
        return not self._rest.isActive()

    def close(self) -> None:
        """Show nothing and listen no more."""
        self._rest.stop()
        self.preview.close()

    def keep(self, purpose: Purpose) -> None:
        """Make a region of what is shown, or add it to or take it from the selected one; then begin the next."""
        shown, selection = self._shown, self._desk.session.selection
        if shown is None or self._sketch.prompts.is_empty:
            return
        try:
            mask = refined(shown.mask, self._form.spec())
            if purpose is Purpose.NEW or not selection:
                tolerance = self._form.wanted_tolerance()
                polygon = None if tolerance is None else snapped(mask, tolerance)
                self._keeper.add([Kept(mask, self._sketch.plane, polygon)])
            else:
                taken = purpose is Purpose.TAKE
                self._keeper.merge(selection[0], Kept(mask, self._sketch.plane), taken=taken)
        except SeagullError as error:
            self._desk.tell(str(error))
        else:
            self.drop()

    def drop(self) -> None:
        """Forget the marks and what is proposed for them."""
        self._rest.stop()
        self._go_to(Sketch())

    def undo(self) -> None:
        """Take the last mark back; where there is none, what was kept last."""
        if not self._sketch.is_empty:
            self._go_to(self._sketch.undone())
        else:
            self._deed(again=False)

    def redo(self) -> None:
        """Make the mark again that was taken back; where there is none, keep again what was taken back."""
        if self._sketch.can_redo:
            self._go_to(self._sketch.redone())
        elif self._sketch.is_empty:
            self._deed(again=True)

    def cycle(self) -> None:
        """Look at the next of the masks that are proposed."""
        if self._shown is not None:
            self._shown = self._shown.cycled()
            self.show()
            self.changed.emit()

    def show(self) -> None:
        """Draw what is proposed, tidied as it would be kept."""
        layer, shown = self._images.layer, self._shown
        if shown is None or layer is None:
            self.preview.clear()
            self._form.show_cost(None)
            return
        mask, cost = refined(shown.mask, self._form.spec()), None
        tolerance = self._form.wanted_tolerance()
        if tolerance is not None:
            try:
                polygon = snapped(mask, tolerance)
            except SeagullError as error:
                self._desk.tell(str(error))
            else:
                mask, cost = polygon.mask, polygon.iou
        self._form.show_cost(cost)
        self.preview.show(mask, layer, self._sketch.plane)

    def ask_again(self) -> None:
        """Ask anew what the marks mean."""
        if not self._sketch.prompts.is_empty:
            self._go_to(self._sketch)

    def _deed(self, *, again: bool) -> None:
        try:
            (self._keeper.redo if again else self._keeper.undo)()
        except SeagullError as error:
            self._desk.tell(str(error))
        self.changed.emit()

    def _here(self) -> Sketch:
        """The sketch, or an empty one where another plane is on screen by now."""
        plane = self._images.on_screen
        return self._sketch if plane is None or plane == self._sketch.plane else Sketch(plane)

    def _go_to(self, sketch: Sketch) -> None:
        """Show these prompts, and ask what they mean."""
        if not sketch.is_empty:
            self.began.emit()
        self._sketch = sketch
        self._rest.stop()
        self._prompts.show(sketch.now)
        if sketch.prompts.is_empty:
            self._shown = None
            self._proposer.forget()
            self.show()
        else:
            self._proposer.want(Wish(sketch.prompts, sketch.plane))
        self.changed.emit()

    def _on_clicked(self, point: Point, inside: bool) -> None:
        self._go_to(self._here().pointed(point, inside=inside))

    def _on_boxed(self, box: FloatBox) -> None:
        self._go_to(self._here().boxed(box))

    def _on_scribbled(self, stroke: tuple[Point, ...], inside: bool) -> None:
        self._go_to(self._here().scribbled(stroke, inside=inside))

    def _on_hovered(self, point: Point) -> None:
        self._under = point
        if self._wants_hover():
            self._rest.start()

    def _wants_hover(self) -> bool:
        return self.may_hover and self._sketch.is_empty and self._prompts.tool is PointTool.CLICK

    def _ask_hover(self) -> None:
        plane = self._images.on_screen
        if self._under is not None and plane is not None and self._wants_hover():
            self._proposer.want(Wish(Prompts((self._under,)), plane, hover=True))

    def _on_proposed(self, wish: Wish, shown: Shown) -> None:
        layer = self._images.layer
        if wish.hover:
            if layer is not None and self._wants_hover():
                self.preview.show(shown.mask, layer, wish.plane, hover=True)
        elif wish.prompts is self._sketch.prompts:
            self._shown = shown
            self.show()
            self.changed.emit()

    def _on_refused(self, wish: Wish | None, error: SeagullError) -> None:
        """A hover that means nothing shows nothing; everything else is told, and the marks stay to be corrected."""
        if wish is not None and wish.hover:
            self.preview.clear()
        else:
            self._desk.tell(str(error))
        self.changed.emit()
