// Runs the application in the working directory with Vite's development server, in the environment for servers.
import perdure from "@perdure/compiler/vite";
import { createServer, createServerModuleRunner } from "vite";

const server = await createServer({
  configFile: false,
  logLevel: "warn",
  appType: "custom",
  plugins: [perdure()],
  server: { middlewareMode: true, ws: false },
  ssr: { external: ["perdure"] },
});
const runner = createServerModuleRunner(server.environments.ssr);
await runner.import("/src/main.ts");
await runner.close();
await server.close();
