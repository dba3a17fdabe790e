// As in 1.x, what require() gives is the constructor. Everything else that is exported hangs on it.
module.exports = require("../dist/index.js").Lock;
