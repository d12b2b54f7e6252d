// Whether somebody points at something in a place, or has the focus in it.

const FINGER = 4000; // milliseconds after a touch: browsers say that a finger which is gone still points
let tabbed = -Infinity; // when the focus was last moved with the keyboard
document.addEventListener("keydown", ({key}) => { if (key === "Tab") tabbed = performance.now(); }, true);

export class Stillness {
  /** `released` is called when pointer and focus have left; a pointer that has not moved for `rest` milliseconds only lies there. */
  constructor(place, released, rest = Infinity) {
    Object.assign(this, {place, rest, moved: -Infinity, pressed: -Infinity, isFinger: false});
    this.release = () => setTimeout(() => { if (!this.still) released(); });
    for (const name of ["pointerdown", "pointermove", "pointerup"]) place.addEventListener(name, (event) => this.point(event), {passive: true, capture: true});
    place.addEventListener("keydown", () => { this.pressed = -Infinity; }, true);
    place.addEventListener("focusout", this.release);
    place.addEventListener("pointerleave", this.release);
  }

  point({type, pointerType}) {
    this.moved = performance.now();
    this.isFinger = pointerType === "touch";
    if (type === "pointerdown") this.pressed = this.moved;
    this.wait();
  }

  wait() {
    const left = (this.isFinger ? FINGER : this.rest) - (performance.now() - this.moved);
    if (left < Infinity) this.waiting ??= setTimeout(() => { this.waiting = null; if (this.pointed) this.wait(); else this.release(); }, Math.max(50, left));
  }

  get holdsFocus() {
    return this.place !== document.activeElement && this.place.contains(document.activeElement);
  }

  /** A press leaves the focus behind: nobody is there with the keyboard before a key is pressed. */
  get focused() {
    return this.holdsFocus && !(this.pressed > tabbed);
  }

  get pointed() {
    const idle = performance.now() - this.moved;
    return this.isFinger ? idle < FINGER : this.place.matches(":hover") && (this.rest === Infinity || idle < this.rest);
  }

  get still() {
    return this.focused || this.pointed;
  }
}
