#!/usr/bin/perl

# What models do not take: the provider's 400 names a parameter, it is left out
# and asked again, kept for all workers and over a restart, and shown.  MODELS_FILE
# tells it beforehand; strict refuses any loss.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %json = ('Content-Type' => 'application/json');

sub openai_error {
	my ($msg, $param, $code) = @_;
	return [reply => 400, \%json, json_text({ error => { message => $msg,
	    type => 'invalid_request_error', param => $param,
	    code => $code } })];
}

sub google_error {
	return [reply => 400, \%json, json_text({ error => { code => 400,
	    message => $_[0], status => 'INVALID_ARGUMENT' } })];
}

sub anthropic_error {
	return [reply => 400, \%json, json_text({ type => 'error',
	    error => { type => 'invalid_request_error',
	    message => $_[0] } })];
}

# The model's name says what is refused.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $b = Upstream::json_of($req) // {};
	my $m = $b->{model} // $req->{path};

	return openai_error("Unsupported parameter: 'temperature' is not "
	    . 'supported with this model.', 'temperature',
	    'unsupported_parameter')
	    if $m =~ /cool/ && exists $b->{temperature};
	return openai_error("Unsupported parameter: 'max_tokens' is not "
	    . "supported with this model. Use 'max_completion_tokens' "
	    . 'instead.', 'max_tokens', 'unsupported_parameter')
	    if $m =~ /long/ && exists $b->{max_tokens};
	return openai_error('logprobs are not supported with reasoning '
	    . 'models.', undef, undef)
	    if $m =~ /logs/ && exists $b->{logprobs};
	return openai_error("Unsupported value: 'reasoning_effort' does not "
	    . "support 'minimal' with this model.", 'reasoning_effort',
	    'unsupported_value')
	    if $m =~ /value/ && exists $b->{reasoning_effort};
	return openai_error("Unsupported value: 'messages[0].role' does not "
	    . "support 'user' with this model.", 'messages[0].role',
	    'unsupported_value') if $m =~ /role/;
	return openai_error("Invalid parameter: 'response_format' of type "
	    . "'json_object' is not supported with this model.",
	    'response_format', undef) if $m =~ /format/;
	return openai_error("Unsupported parameter: 'temperature' is not "
	    . 'supported with this model.', 'temperature', undef)
	    if $m =~ /stubborn/;
	return anthropic_error('`temperature` is deprecated for this model.')
	    if $m =~ /opus-4-6/ && exists $b->{temperature};
	return anthropic_error('tools.0.custom: Invalid schema: Circular '
	    . 'reference detected. Self-referencing definitions are not '
	    . 'supported.') if $m =~ /circle/;
	return google_error('Penalty is not enabled for models/gemini-2.5-x')
	    if $m =~ /penalty/ && (exists $b->{generationConfig}
	    {presencePenalty} || exists $b->{generationConfig}
	    {frequencyPenalty});
	return google_error('Thinking level is not supported for this model.')
	    if $m =~ /level/ && exists $b->{generationConfig}{thinkingConfig}
	    {thinkingLevel};
	return answer_for($req);
});

my @user = (messages => [ { role => 'user', content => 'x' } ]);
my $g = Gateway->new(config => config_for($up));

sub bodies {
	return map { Upstream::json_of($_) }
	    grep { $_->{event} eq 'request' } $up->requests;
}

sub post {
	my ($path, $body, %h) = @_;
	$up->forget;
	return Client->once($g->port, POST => $path, \%h, json_text($body));
}

sub chat { post('/v1/chat/completions', { @user, @_ }) }

# The one number that a query gives.
sub one {
	my ($row) = $g->sql($_[0]);
	return $row ? (values %$row)[0] : undef;
}

subtest 'left out, asked again, kept' => sub {
	my $r = chat(model => 'gpt-4-cool', temperature => 0.5, seed => 1);
	is($r->{status}, 200, 'the client has its answer') or diag $r->{body};
	my @b = bodies();
	is(@b, 2, 'asked twice');
	is($b[0]{temperature}, 0.5, 'first with it');
	ok(!exists $b[1]{temperature}, 'then without');
	is($b[1]{seed}, 1, 'and with all the rest');
	is($r->{headers}{'x-proxyd-loss'}, 'dropped temperature',
	    'the report says so');
	ok($g->wait_for(sub { (one('SELECT count(*) FROM refusals') // 0)
	    == 1 }), 'the logger has written it');
	ok($g->known, 'every worker knows it');
	$r = chat(model => 'gpt-4-cool', temperature => 0.5);
	is($r->{headers}{'x-proxyd-loss'}, 'dropped temperature',
	    'with a line in the report');
	$r = post('/v1/messages', { model => 'gpt-4-cool', max_tokens => 9,
	    temperature => 0.3, @user });
	is($r->{status}, 200, 'also for clients of another dialect');
	is(scalar(bodies()), 1, 'asked once');
	is($r->{headers}{'x-proxyd-loss'}, 'dropped temperature',
	    "by the client's own path");
	$r = chat(model => 'gpt-4-other', temperature => 0.5);
	is((bodies())[0]{temperature}, 0.5, 'another model keeps it');
};

subtest 'its other name' => sub {
	my $r = chat(model => 'gpt-4-long', max_tokens => 7);
	is($r->{status}, 200, 'answered');
	my @b = bodies();
	is($b[1]{max_completion_tokens}, 7, 'renamed');
	ok(!exists $b[1]{max_tokens}, 'the old name is gone');
	is($r->{headers}{'x-proxyd-loss'}, 'approximated max_tokens', 'told');
};

subtest 'words without a param' => sub {
	my $r = chat(model => 'gpt-4-logs', logprobs => \1, top_logprobs => 2);
	is($r->{status}, 200, 'logprobs') or diag $r->{body};
	my @b = bodies();
	ok(!exists $b[1]{logprobs} && !exists $b[1]{top_logprobs},
	    'their number goes along');
	$r = post('/v1/messages', { model => 'claude-opus-4-6', @user,
	    max_tokens => 9, temperature => 0.5 });
	is($r->{status}, 200, 'anthropic: temperature') or diag $r->{body};
	is(scalar(bodies()), 2, 'asked twice');
	$r = chat(model => 'gemini-2.5-penalty', presence_penalty => 1,
	    frequency_penalty => 1, temperature => 1);
	is($r->{status}, 200, 'gemini: penalties') or diag $r->{body};
	@b = bodies();
	is(@b, 3, 'one after the other');
	is_deeply($b[2]{generationConfig}, { temperature => 1 }, 'both');
	like($r->{headers}{'x-proxyd-loss'}, qr/presence_penalty/, 'told');
	$r = chat(model => 'gemini-3-level', reasoning_effort => 'low');
	is($r->{status}, 200, 'gemini: thinkingLevel') or diag $r->{body};
};

subtest 'what is not left out' => sub {
	for (['gpt-4-role'], ['gpt-4-format', response_format => { type =>
	    'json_object' }], ['claude-circle']) {
		my ($m, @more) = @$_;
		my $r = chat(model => $m, temperature => 0.5, @more);
		is($r->{status}, 400, "$m: the client gets the 400");
		is(scalar(bodies()), 1, 'asked once');
	}
	my $r = chat(model => 'gpt-4-stubborn', temperature => 1);
	is($r->{status}, 400, 'one who goes on refusing');
	is(scalar(bodies()), 2, 'is asked once more only');
	$r = chat(model => 'gpt-4-value', reasoning_effort => 'minimal');
	is($r->{status}, 200, 'a value that is refused goes, too');
	ok($g->wait_for(sub { (one("SELECT count(*) FROM requests WHERE "
	    . "model_asked = 'gpt-4-value'") // 0) == 1 }), 'its row is there');
	is(one("SELECT count(*) FROM refusals WHERE model = "
	    . "'gpt-4-value'"), 0, 'but is not kept: others may do');
};

subtest 'shown, and kept over a restart' => sub {
	my $ctl = Gateway::bindir() . '/proxyctl';
	my $text = `$ctl --home $g->{home} status`;
	like($text, qr/^refused  openai gpt-4-cool: temperature is left out, until 2/m,
	    'proxyctl status');
	like($text, qr/gpt-4-long: max_tokens is sent as max_completion_tokens/,
	    'with the other name');
	my $j = decode_json(join '', `$ctl --home $g->{home} status --json`);
	my ($e) = grep { $_->{model} eq 'gpt-4-cool' }
	    @{ $j->{refused_parameters} };
	is($e->{provider}, 'openai', 'as JSON');
	is($e->{rename}, undef, 'without another name');
	$g->stop;
	$g->start;
	chat(model => 'gpt-4-cool', temperature => 0.5);
	is(scalar(bodies()), 1, 'the next program knows');
	$g->sql("UPDATE refusals SET expires_us = 1");
	$g->stop;
	$g->start;
	chat(model => 'gpt-4-cool', temperature => 0.5);
	is(scalar(bodies()), 2, 'until it has expired');
};

subtest 'strict' => sub {
	my %h = ('x-proxyd-strict' => 'true');
	my $body = { model => 'claude-opus-4-5', @user, max_tokens => 9,
	    seed => 3, n => 1, temperature => 1.5 };
	my $r = post('/v1/chat/completions', $body, %h);
	is($r->{status}, 400, 'a loss is a 400');
	like(Client::json($r)->{error}{message},
	    qr/'temperature' is approximated .*'seed' is dropped/,
	    'that names the fields') or diag $r->{body};
	is(scalar(bodies()), 0, 'nothing was sent');
	delete @$body{qw(seed temperature)};
	is(post('/v1/chat/completions', $body, %h)->{status}, 200,
	    'without a loss it goes through');
	is(post('/v1/chat/completions', $body,
	    'x-proxyd-strict' => 'perhaps')->{status}, 400, 'true or false');
	is(post('/v1/chat/completions', { %$body, seed => 3 },
	    'x-proxyd-strict' => 'false')->{status}, 200, 'false is none');
	$r = post('/v1/chat/completions', { model => 'gpt-4-stubborn', @user,
	    temperature => 1 }, %h);
	is($r->{status}, 400, 'nor is a refused parameter left out');
};
$g->finish;

subtest 'STRICT and MODELS_FILE' => sub {
	my $text = "STRICT: true\nMODELS_FILE: mine.yaml\n";
	$g = Gateway->new(config => $text . config_for($up), stopped => 1,
	    may_fail => 1);
	my $put = sub { open my $f, '>', "$g->{home}/mine.yaml" or die;
	    print $f $_[0]; close $f };
	ok(!$g->start, 'a file that is not there');
	like($g->{error}, qr/MODELS_FILE: cannot open '\S+mine.yaml'/, 'named');
	$put->("- dialect: openai\n  model: x\n  sampling: maybe\n");
	my $ctl = Gateway::bindir() . '/proxyctl';
	my $out = `$ctl --home $g->{home} check --config $g->{file} 2>&1`;
	like($out, qr/mine\.yaml:3: \[0\]\.sampling: expected no, yes or not_thinking/,
	    'proxyctl check tells file, line and key');
	$put->("- dialect: openai\n  model: gpt-4-mine\n  sampling: no\n");
	ok($g->start, 'a good file');
	my $r = post('/v1/messages', { model => 'gpt-4-mine', max_tokens => 9,
	    temperature => 0.5, @user });
	is($r->{status}, 400, 'its rule makes a loss, which strict refuses');
	like($r->{body}, qr/temperature/, 'named');
	$r = post('/v1/messages', { model => 'gpt-4-yours', max_tokens => 9,
	    temperature => 0.5, @user });
	is($r->{status}, 200, 'another model is as before') or diag $r->{body};
	$g->finish;
};
$up->stop;
done_testing;
