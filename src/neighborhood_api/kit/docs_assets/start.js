// Its own file, not inline, so that the page needs no exception from script-src 'self'.
const root = document.getElementById("swagger-ui");

SwaggerUIBundle({
  domNode: root,
  url: root.dataset.openapi,
  validatorUrl: null, // else the description would be sent to a foreign validator
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
});
