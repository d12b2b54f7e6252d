SwaggerUIBundle({
  url: "/api/openapi.json",
  domNode: document.getElementById("swagger"),
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
