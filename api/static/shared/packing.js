// Panels of different heights in a grid, without holes beside the tall ones: each spans as many thin rows as it is high.

const THIN = 2; // pixels, as .packed has them

export class Packing {
  constructor(grid) {
    this.grid = grid;
    grid.classList.add("packed");
    this.sizes = new ResizeObserver(() => this.measure());
  }

  /** Put other panels into the grid; what stands below it stays where it is meanwhile. */
  replace(...panels) {
    this.grid.style.minHeight = `${this.grid.offsetHeight}px`;
    this.grid.replaceChildren(...panels);
    this.follow();
    this.grid.style.minHeight = "";
  }

  /** The panels are others now, or stand in another order. */
  follow() {
    this.sizes.disconnect();
    for (const panel of this.grid.children) this.sizes.observe(panel);
    this.measure();
  }

  measure() {
    if (!this.grid.clientWidth) return;
    const gap = parseFloat(getComputedStyle(this.grid).columnGap) || 0;
    const heights = [...this.grid.children].map((panel) => panel.offsetHeight);
    [...this.grid.children].forEach((panel, i) => { panel.style.gridRowEnd = `span ${Math.ceil((heights[i] + gap) / THIN)}`; });
  }
}
