/** Imports every module of the application that has workflows or steps; for processes that only work. It exports nothing. */
declare module "virtual:perdure" {}
