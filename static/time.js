// Keeps "3 min ago" and running times true, in the words of views/format.ts, and says exact times in the
// person's own zone.
(() => {
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const REFRESH_MS = 1000;

  const floor = (ms, unit) => Math.floor(ms / unit);

  function coarse(ms) {
    if (ms < MINUTE) return `${floor(ms, SECOND)} s`;
    if (ms < HOUR) return `${floor(ms, MINUTE)} min`;
    if (ms < DAY) return `${floor(ms, HOUR)} h`;
    const days = floor(ms, DAY);
    return `${days} ${days === 1 ? "day" : "days"}`;
  }

  const pair = (big, bigUnit, small, smallUnit) =>
    `${big} ${bigUnit}${small > 0 ? ` ${small} ${smallUnit}` : ""}`;

  function duration(ms) {
    if (ms < SECOND) return "< 1 s";
    if (ms < MINUTE) return `${floor(ms, SECOND)} s`;
    if (ms < HOUR) return pair(floor(ms, MINUTE), "min", floor(ms % MINUTE, SECOND), "s");
    return pair(floor(ms, HOUR), "h", floor(ms % HOUR, MINUTE), "min");
  }

  // Null: older than a week, where the server's date stays.
  function relative(ms) {
    if (ms < 0) return ms > -10 * SECOND ? "now" : `in ${coarse(-ms)}`;
    if (ms < 10 * SECOND) return "now";
    return ms < 7 * DAY ? `${coarse(ms)} ago` : null;
  }

  function refresh() {
    if (document.hidden) return;
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-relative], time[data-elapsed]")) {
      const age = now - Date.parse(time.dateTime);
      const text = "elapsed" in time.dataset ? duration(age) : relative(age);
      if (text !== null && time.textContent !== text) time.textContent = text;
    }
  }

  document.addEventListener("mouseover", ({ target }) => {
    const time = target instanceof Element && target.closest("time[datetime]");
    if (time) time.title = new Date(time.dateTime).toLocaleString();
  });

  setInterval(refresh, REFRESH_MS);
  document.addEventListener("visibilitychange", refresh);
})();
