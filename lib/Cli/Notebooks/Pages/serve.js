// On pages that `clipbook serve` shows: what is running, and the page again once its lesson has run.
(function () {
  "use strict";
  var page = document.currentScript.dataset, said = document.createElement("p");
  said.className = "serving";
  said.setAttribute("role", "status");
  new EventSource("/-/events?page=" + encodeURIComponent(page.page)).onmessage = function (event) {
    var news = JSON.parse(event.data);
    if (news.version !== page.version) return location.reload();
    if (!said.isConnected) document.body.appendChild(said);
    said.textContent = news.status;
  };
})();
