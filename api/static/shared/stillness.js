// Whether somebody points at something in a place, or has the focus in it.

export class Stillness {
  /** `released` is called when pointer and focus have left. */
  constructor(place, released) {
    this.place = place;
    place.addEventListener("pointerleave", () => { if (!this.focused) released(); });
    place.addEventListener("focusout", () => setTimeout(() => { if (!this.still) released(); }));
  }

  get focused() {
    return this.place !== document.activeElement && this.place.contains(document.activeElement);
  }

  get still() {
    return this.focused || this.place.matches(":hover");
  }
}
