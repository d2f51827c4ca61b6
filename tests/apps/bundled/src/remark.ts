// A module that only mentions it: "use workflow". Importing it would be a mistake.
throw new Error("this module has no directive");
