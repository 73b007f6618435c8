// Follow mode of a run's activity: stays at its end until a person scrolls up, then counts what is new.
(() => {
  const NEAR_PX = 160; // this close to the end counts as being there
  let following = false;
  let unseen = 0;
  let lastTop = 0;

  const button = () => document.querySelector("[data-follow]");
  const end = () => {
    const live = document.querySelector("#activity [data-live-text]");
    return live?.offsetHeight ? live : document.querySelector("[data-activity]");
  };

  const distance = () => (end()?.getBoundingClientRect().bottom ?? 0) - innerHeight;

  function show() {
    const control = button();
    if (!control) return;
    const text = following ? "Following" : unseen > 0 ? `${unseen} new` : "Follow";
    if (control.textContent !== text) control.textContent = text;
    control.setAttribute("aria-pressed", String(following));
  }

  function toEnd() {
    unseen = 0;
    scrollBy({ top: distance() + NEAR_PX / 2, behavior: "instant" });
    lastTop = scrollY;
  }

  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || !target.closest("[data-follow]")) return;
    following = !following;
    if (following) toEnd();
    show();
  });

  document.addEventListener("scroll", () => {
    if (following && scrollY < lastTop - 4) following = false;
    if (!following && distance() < NEAR_PX) unseen = 0;
    lastTop = scrollY;
    show();
  }, { passive: true });

  document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => {
    if (following || !button()) return;
    for (const { target, swapSpec, fragment } of tasks) {
      if (swapSpec.style !== "beforeend" || !target?.matches?.("[data-activity]")) continue;
      if (distance() > NEAR_PX) unseen += fragment.childElementCount;
    }
  });

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target?.id === "app") following = false, unseen = 0;
    if (following) toEnd();
    show();
  });
})();
